"""Names of accounts that say nothing, and stay the same for one installation."""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING

import pytest

from aimo_host.state import accounts, atomic, cache
from tests.gauge.builders import cache_of, reading
from tests.state.children import run

if TYPE_CHECKING:
    from aimo_host.state.paths import Paths

MAIL = "ada@example.test"


def test_a_name_is_eight_hexadecimal_digits_and_says_nothing(paths: Paths) -> None:
    name = accounts.opaque(paths, "claude", MAIL)
    assert len(name) == 8
    assert set(name) <= set("0123456789abcdef")


def test_the_same_account_has_the_same_name_in_every_process(paths: Paths) -> None:
    name = accounts.opaque(paths, "claude", MAIL)
    assert accounts.opaque(paths, "claude", MAIL) == name
    assert run(f"say(accounts.opaque(paths, 'claude', '{MAIL}'))") == [name]


def test_another_account_or_provider_has_another_name(paths: Paths) -> None:
    names = {accounts.opaque(paths, *who) for who in (("claude", MAIL), ("codex", MAIL), ("claude", "bob"), ("claude", ""))}
    assert len(names) == 4


def test_another_installation_has_other_names(paths: Paths) -> None:
    name = accounts.opaque(paths, "claude", MAIL)
    os.unlink(paths.salt)
    assert accounts.opaque(paths, "claude", MAIL) != name


@pytest.mark.parametrize("loss", ["gone", "cut short", "grown", "empty"])
def test_a_lost_salt_empties_the_cache(paths: Paths, loss: str) -> None:
    accounts.opaque(paths, "claude", MAIL)
    cache.update(paths, lambda _: cache_of(reading(account="old")))
    if loss == "gone":
        os.unlink(paths.salt)
    else:
        atomic.replace(paths.salt, {"cut short": b"x", "grown": b"x" * 17}.get(loss, b""))
    accounts.opaque(paths, "claude", MAIL)
    assert cache.read(paths) == cache.empty()


def test_the_first_salt_takes_nothing_away_from_readings_without_a_name(paths: Paths) -> None:
    cache.update(paths, lambda _: cache_of(reading("zai", account=None)))
    accounts.opaque(paths, "claude", MAIL)
    assert len(cache.read(paths)["entries"]) == 1


def test_many_who_need_the_first_salt_at_once_get_the_same(paths: Paths) -> None:
    names: list[str] = []
    threads = [threading.Thread(target=lambda: names.append(accounts.opaque(paths, "claude", MAIL))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 8
    assert len(set(names)) == 1


def test_a_salt_that_cannot_be_read_just_now_is_an_error_and_empties_nothing(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: str) -> bytes:
        raise PermissionError(errno.EACCES, "not now")

    cache.update(paths, lambda _: cache_of(reading(account="old")))
    monkeypatch.setattr(atomic, "read", refuse)
    with pytest.raises(PermissionError):
        accounts.opaque(paths, "claude", MAIL)
    monkeypatch.undo()
    assert len(cache.read(paths)["entries"]) == 1
