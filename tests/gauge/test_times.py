"""Instants in and out, held against Python's own calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge import times
from aimo_host.gauge.entry import upwards
from aimo_host.gauge.times import instant, iso, parse_iso
from tests.gauge.builders import NOW, json_values

_moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001 - made aware in the tests
_offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(_moments)
def test_a_whole_second_is_written_as_datetime_writes_it(moment: datetime) -> None:
    whole = moment.replace(microsecond=0, tzinfo=UTC)
    assert iso(whole.timestamp()) == whole.strftime("%Y").zfill(4) + whole.strftime("-%m-%dT%H:%M:%SZ")


@given(_moments)
def test_what_is_written_is_read_back(moment: datetime) -> None:
    seconds = moment.replace(microsecond=0, tzinfo=UTC).timestamp()
    assert parse_iso(iso(seconds)) == seconds


@given(_moments, _offsets)
def test_datetimes_own_text_is_read_as_the_same_instant(moment: datetime, zone: timezone) -> None:
    aware = moment.replace(tzinfo=zone)
    assert parse_iso(aware.isoformat()) == pytest.approx(aware.timestamp(), abs=1e-4)


@given(st.floats(-1e9, 1e10))
def test_a_moment_is_rounded_to_the_nearest_second(moment: float) -> None:
    read = parse_iso(iso(moment))
    assert read is not None
    assert abs(read - moment) <= 0.5


@given(st.floats(1, 1e10))
def test_upwards_never_lies_before_the_moment(moment: float) -> None:
    read = parse_iso(upwards(moment))
    assert read is not None
    assert moment <= read <= moment + 1


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T10:00:00Z",
        "2026-11-22T10:00:00z",
        "2026-11-22t10:00:00Z",
        "2026-11-22 10:00:00",
        "2026-11-22T10:00:00",
        "2026-11-22T10:00:00+00:00",
        "2026-11-22T10:00:00-0000",
        "2026-11-22T11:30:00+01:30",
        "2026-11-22T05:00:00-0500",
        "2026-11-22T10:00:00.000000000Z",
        "2026-11-22T10:00:00,0+00:00",
        " 2026-11-22T10:00:00Z ",
    ],
)
def test_every_spelling_that_was_seen_is_read(text: str) -> None:
    assert parse_iso(text) == 1795341600.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-22",
        "2026-11-22T10:00",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-11-00T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:00:61Z",
        "2026-11-22T10:00:00.Z",
        "2026-11-22T10:00:00+",
        "2026-11-22T10:00:00+1",
        "2026-11-22T10:00:00 CET",
        "2026/11/22T10:00:00Z",
        "2026-11-22X10:00:00Z",
        "2026-11-22T10.00.00Z",
        "\uff12\uff10\uff12\uff16-11-22T10:00:00Z",
        "+026-11-22T10:00:00Z",
        "2026-11-22T10:00:00Z" + "0" * 40,
        None,
        1795341600,
    ],
)
def test_what_is_no_instant_is_none(text: object) -> None:
    assert parse_iso(text) is None


def test_the_29th_of_february_exists_in_leap_years_only() -> None:
    assert parse_iso("2028-02-29T00:00:00Z") is not None
    assert parse_iso("2100-02-29T00:00:00Z") is None


@pytest.mark.parametrize(
    "value",
    [1795341600, 1795341600.0, "1795341600", 1795341600000, "1795341600000", "2026-11-22T10:00:00Z"],
)
def test_seconds_milliseconds_and_texts_are_the_same_instant(value: object) -> None:
    assert instant(value) == 1795341600.0


@pytest.mark.parametrize(
    "value",
    [0, -1, "0", "-5", None, True, False, "", "soon", "nan", "inf", float("nan"), float("inf"), 10**400, 1e300, [], {}],
)
def test_no_time_is_none_and_never_1970(value: object) -> None:
    assert instant(value) is None


@pytest.mark.parametrize("value", ["1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_a_text_that_means_no_time_is_none(value: str) -> None:
    assert instant(value) is None


@given(json_values)
def test_anything_gives_an_instant_or_none(value: object) -> None:
    found = instant(value)
    assert found is None or 0 < found <= 253402300799


@given(st.text(alphabet="0123456789-:TZ+., ", max_size=40))
def test_any_text_gives_an_instant_or_none(text: str) -> None:
    assert parse_iso(text) is None or isinstance(parse_iso(text), float)


def test_a_moment_that_is_looked_at_again_is_the_same_also_after_many_others() -> None:
    texts = [times.iso(NOW + second) for second in range(3 * times._MOST_PARSED)]
    assert [times.parse_iso(text) for text in (*texts, *texts)] == [float(NOW + second) for second in range(len(texts))] * 2
    assert len(times._parsed) <= times._MOST_PARSED


def test_no_long_text_is_remembered() -> None:
    text = " " * times._LONGEST + "2026-11-22T10:00:00Z"
    assert times.parse_iso(text) == times.parse_iso(text.strip())
    assert text not in times._parsed
