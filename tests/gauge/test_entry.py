"""From a parser's records to the JSON of an entry: the keys of design §5, all of them, in one order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aimo_host.gauge.entry import from_usage
from aimo_host.gauge.model import Balance, Blocked, Kind, Usage
from tests.gauge.builders import DAY, NOW, usage, window

#: Design §5, fixed.
ENTRY_KEYS = [
    "provider",
    "ok",
    "plan",
    "plan_label",
    "account",
    "account_name",
    "auth_source",
    "headroom_pct",
    "tightest",
    "windows",
    "balances",
    "blocked",
    "observed_at",
    "attempted_at",
    "stale",
    "error",
    "problem",
    "_source",
    "_received_at",
]
WINDOW_KEYS = [
    "label",
    "used_pct",
    "resets_at",
    "resets_in",
    "kind",
    "scope",
    "window_seconds",
    "state",
    "binding",
    "pace",
    "usage",
    "limit",
    "remaining",
    "unit",
]
BALANCE_KEYS = ["kind", "label", "amount", "used", "limit", "unit", "unlimited", "enabled", "reason"]


def stored(found: Usage, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"account": "a", "at": NOW, "source": "push", **more}
    return from_usage("claude", found, **given)


def only_window(**more: Any) -> dict[str, Any]:
    found: dict[str, Any] = stored(usage(window(**more)))["windows"][0]
    return found


def test_the_entry_has_the_fixed_keys_and_two_of_our_own() -> None:
    assert list(stored(usage())) == [*ENTRY_KEYS, "_at", "_tried"]


def test_a_window_has_the_fixed_keys() -> None:
    assert list(only_window()) == WINDOW_KEYS


def test_a_balance_has_the_fixed_keys() -> None:
    found = stored(usage(balances=(Balance(kind="credits", label="credits"),)))
    assert list(found["balances"][0]) == BALANCE_KEYS


def test_the_moments_are_whole_seconds_and_never_before_the_reading() -> None:
    found = stored(usage(), at=NOW + 0.001)
    assert {found["observed_at"], found["attempted_at"], found["_received_at"]} == {"2026-11-22T10:00:01Z"}


def test_the_exact_moment_is_kept_for_ordering() -> None:
    assert stored(usage(), at=NOW + 0.25)["_at"] == NOW + 0.25


def test_a_reset_is_told_to_the_nearest_second() -> None:
    assert only_window(resets_at=NOW + 59.6)["resets_at"] == "2026-11-22T10:01:00Z"


def test_the_noise_of_binary_fractions_is_not_stored() -> None:
    assert only_window(used_pct=0.1 + 0.2)["used_pct"] == 0.3


@pytest.mark.parametrize(("given", "shown"), [(47.0, "47"), (47, "47"), (0.5, "0.5"), (None, "null"), (2.00000001, "2")])
def test_a_whole_number_of_calls_is_written_as_one(given: float | None, shown: str) -> None:
    assert json.dumps(only_window(used=given)["usage"]) == shown


def test_without_a_percentage_the_state_is_unknown_whatever_was_said() -> None:
    assert only_window(used_pct=None, state="active")["state"] == "unknown"


def test_what_follows_from_the_windows_is_stored_for_direct_readers() -> None:
    found = stored(usage(window(61.0, resets_at=NOW + 3 * DAY, window_seconds=604800)))
    assert (found["ok"], found["headroom_pct"], found["tightest"]) == (True, 39.0, "weekly (all)")
    assert found["windows"][0]["pace"]["expected_pct"] == 57.1


def test_a_refusal_is_stored_with_its_reason() -> None:
    assert stored(usage(blocked=Blocked("owner_limit", "The owner's limit is reached.")))["blocked"] == {
        "code": "owner_limit",
        "message": "The owner's limit is reached.",
    }


def test_windows_stand_in_one_order_whatever_order_they_were_sent_in() -> None:
    def of(label: str, kind: Kind, *, scope: str | None = None, seconds: int | None = None) -> Any:
        return window(label=label, kind=kind, scope=scope, window_seconds=seconds, binding=False)

    sent = (
        of("tool usage", "tools"),
        of("spend", "spend"),
        of("Spark weekly", "weekly", scope="Spark"),
        of("Spark 5h", "session", scope="Spark"),
        of("monthly", "monthly"),
        of("12h", "hours", seconds=43200),
        of("3h", "hours", seconds=10800),
        of("weekly", "weekly"),
        of("session", "session"),
    )
    labels = [shown["label"] for shown in stored(usage(*sent))["windows"]]
    assert labels == ["session", "3h", "12h", "weekly", "monthly", "Spark 5h", "Spark weekly", "tool usage", "spend"]


def test_no_answer_makes_an_entry_too_large_for_a_frame() -> None:
    pools = [window(1.0, label=f"pool {n}", scope=f"pool {n}", binding=False) for n in range(9000)]
    entry = stored(usage(*pools, window(50.0)))
    assert len(entry["windows"]) == 60
    assert entry["headroom_pct"] == 50.0
