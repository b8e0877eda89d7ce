"""The cache file among many processes, of several versions, after any damage."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimo_host.state import atomic, cache, jsonfile, lock
from aimo_host.state.bell import Bell
from aimo_host.state.lock import FileLock
from tests.gauge.builders import cache_of, reading
from tests.reliability import figures
from tests.state.children import run, said, started

if TYPE_CHECKING:
    from collections.abc import Callable

    from aimo_host.state.paths import Paths

# Between what is read and what is written lies a moment, in which others would get in if they could.
COUNT = """
def count(before):
    time.sleep(0.001)
    return {**before, "counts": {**before.get("counts", {}), sys.argv[1]: before.get("counts", {}).get(sys.argv[1], 0) + 1}}
"""


def put(paths: Paths, content: bytes) -> None:
    atomic.private_folder(paths.cache_dir)
    with open(paths.cache, "wb") as file:
        file.write(content)


def add(provider: str) -> Any:
    return lambda before: {**before, "entries": [*before["entries"], reading(provider)]}


def providers(paths: Paths) -> list[str]:
    return [entry["provider"] for entry in cache.read(paths)["entries"]]


def evidence(paths: Paths) -> list[str]:
    return sorted(name for name in os.listdir(paths.cache_dir) if "bad" in name)


def test_a_cache_that_does_not_exist_is_empty_and_reading_makes_none(paths: Paths) -> None:
    assert cache.read(paths) == cache.empty()
    assert not os.path.exists(paths.home)


def test_an_update_is_there_for_everybody(paths: Paths) -> None:
    after = cache.update(paths, add("claude"))
    assert cache.read(paths) == after
    assert providers(paths) == ["claude"]


def test_the_file_is_the_documented_shape(paths: Paths) -> None:
    cache.update(paths, add("claude"))
    with open(paths.cache, encoding="utf-8") as file:
        found = json.load(file)
    assert (found["schema"], [entry["provider"] for entry in found["entries"]]) == (1, ["claude"])


def test_an_update_rings(paths: Paths) -> None:
    waiting = Bell(paths.bells_dir, ())
    cache.update(paths, add("claude"))
    assert waiting.wait(0)
    waiting.close()


def test_an_update_that_changes_nothing_writes_nothing_and_rings_nobody(paths: Paths) -> None:
    cache.update(paths, add("claude"))
    before = os.stat(paths.cache).st_ino
    waiting = Bell(paths.bells_dir, ())
    cache.update(paths, dict)
    assert (os.stat(paths.cache).st_ino, waiting.wait(0)) == (before, False)
    waiting.close()


def test_a_change_that_fails_leaves_the_cache_as_it_was_and_the_lock_free(paths: Paths) -> None:
    cache.update(paths, add("claude"))
    with pytest.raises(ZeroDivisionError):
        cache.update(paths, lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    cache.update(paths, add("zai"))
    assert providers(paths) == ["claude", "zai"]


def test_whoever_stands_behind_a_stopped_process_is_told(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.01)
    with FileLock(os.path.join(paths.locks_dir, "cache")).hold(0), pytest.raises(lock.BusyError):
        cache.update(paths, add("claude"))


# Damage

DAMAGE = [b"", b"\x00" * 50, b'{"schema": 1, "entr', b"[]", b'{"a": "\xff"}', b"{" * 5000]


@pytest.mark.parametrize("content", DAMAGE, ids=range(len(DAMAGE)))
def test_a_corrupt_cache_reads_as_empty_and_stays_for_the_next_writer(paths: Paths, content: bytes) -> None:
    put(paths, content)
    assert cache.read(paths) == cache.empty()
    assert evidence(paths) == []


@pytest.mark.parametrize("content", DAMAGE, ids=range(len(DAMAGE)))
def test_a_corrupt_cache_is_set_aside_and_rebuilt(paths: Paths, content: bytes) -> None:
    put(paths, content)
    cache.update(paths, add("claude"))
    assert providers(paths) == ["claude"]
    assert evidence(paths) == ["usage.json.bad-1"]


def test_no_more_than_three_are_kept_as_evidence(paths: Paths) -> None:
    for number in range(5):
        put(paths, f"broken {number}".encode())
        cache.update(paths, add("claude"))
    assert evidence(paths) == ["usage.json.bad-1", "usage.json.bad-2", "usage.json.bad-3"]
    with open(paths.cache + ".bad-1", encoding="utf-8") as file:
        assert file.read() == "broken 4"


def test_a_folder_in_its_place_is_set_aside(paths: Paths) -> None:
    os.makedirs(paths.cache)
    assert cache.read(paths) == cache.empty()
    cache.update(paths, add("claude"))
    assert (providers(paths), evidence(paths)) == (["claude"], ["usage.json.bad-1"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60))
def test_any_bytes_can_be_read_and_written_over(paths: Paths, content: bytes) -> None:
    put(paths, content)
    cache.read(paths)
    cache.update(paths, lambda _: cache_of(reading("zai")))
    assert providers(paths) == ["zai"]


def test_a_full_disk_leaves_what_was_cached(paths: Paths) -> None:
    cache.update(paths, add("claude"))
    code = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    cache.update(paths, lambda before: {**before, "much": "x" * 500})
except OSError:
    say("refused")
"""
    assert run(code) == ["refused"]
    assert providers(paths) == ["claude"]
    assert os.listdir(paths.cache_dir) == ["usage.json"]


def test_no_free_descriptor_is_no_reason_to_set_a_good_cache_aside(paths: Paths) -> None:
    cache.update(paths, add("claude"))
    code = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
taken = []
lock_free = lock.FileLock(os.path.join(paths.locks_dir, "other"))
try:
    while True:
        taken.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    os.close(taken.pop())  # one is left, for the lock
try:
    cache.update(paths, lambda before: {**before, "more": 1})
except OSError:
    os.close(taken.pop())
    say("refused")
"""
    assert run(code) == ["refused"]
    assert (providers(paths), evidence(paths)) == (["claude"], [])


# Versions


def test_keys_that_this_version_does_not_know_survive_a_rewrite(paths: Paths) -> None:
    put(paths, json.dumps({"schema": 1, "updated_at": None, "entries": [{**reading(), "mood": 1}], "weather": [2]}).encode())
    cache.update(paths, add("zai"))
    found = jsonfile.load(paths.cache)
    assert found is not None
    assert (found["weather"], found["entries"][0]["mood"]) == ([2], 1)


def test_a_newer_schema_is_read_and_never_written(paths: Paths) -> None:
    content = json.dumps({"schema": 2, "entries": [reading()]}).encode()
    put(paths, content)
    with pytest.raises(cache.NewerSchemaError):
        cache.update(paths, add("zai"))
    assert providers(paths) == ["claude"]
    assert atomic.read(paths.cache) == content


@pytest.mark.parametrize("schema", [None, "1", 0, [], True])
def test_a_schema_that_is_no_newer_number_is_ours(paths: Paths, schema: Any) -> None:
    put(paths, json.dumps({"schema": schema, "entries": [reading()]}).encode())
    assert cache.update(paths, add("zai"))["schema"] == 1


# Many processes


def test_updates_of_many_threads_are_all_kept(paths: Paths) -> None:
    def grow() -> None:
        for _ in range(10):
            cache.update(paths, lambda before: {**before, "n": before.get("n", 0) + 1})

    threads = [threading.Thread(target=grow) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.read(paths)["n"] == 40


def test_eight_processes_lose_none_of_their_updates(paths: Paths, record_figure: Callable[..., None]) -> None:
    rounds = 250 if figures.IS_DEEP else 50
    code = (
        COUNT
        + """
say("ready")
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    cache.update(paths, count)
    time.sleep(0.002)
say("done")
"""
    )
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(started(code, str(number), str(rounds))) for number in range(8)]
        assert [said(child) for child in running] == ["ready"] * 8
        for child in running:
            assert child.stdin is not None
            print(file=child.stdin, flush=True)
        assert [said(child) for child in running] == ["done"] * 8
    counts = cache.read(paths)["counts"]
    is_reached = counts == {str(number): rounds for number in range(8)}
    record_figure("updates", f"{sum(counts.values())} of {8 * rounds}", is_reached=is_reached)
    assert is_reached, counts


def test_killed_writers_lose_nothing_that_was_committed(paths: Paths, record_figure: Callable[..., None]) -> None:
    rounds = 250 if figures.IS_DEEP else 4
    code = COUNT + "\nwhile True:\n    say(cache.update(paths, count)['counts'][sys.argv[1]])"
    committed = {"a": 0, "b": 0}
    lost = 0
    cache.update(paths, lambda before: {**before, "ballast": "x" * 300_000})  # so that writing takes a moment
    for _ in range(rounds):
        with started(code, "a") as a, started(code, "b") as b:
            for name, child in (("a", a), ("b", b)):
                said(child)
                child.kill()
                child.wait()
                assert child.stdout is not None
                committed[name] = max([committed[name], *(int(line) for line in child.stdout.read().split())])
        found = cache.read(paths).get("counts", {})
        lost += sum(found.get(name, 0) < committed[name] for name in committed)
    unreadable = len(evidence(paths))
    words = f"{2 * rounds} kills of bare writers, {unreadable} caches unreadable, {lost} lost"
    record_figure("kills", words, is_reached=not unreadable and not lost)
    assert (unreadable, lost) == (0, 0)
