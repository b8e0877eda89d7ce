"""From the signed-in browser to every face: the popup, the cache file, the command line and the HTTP answer say the same.

One browser under Playwright, one shim, and a tap on the pipe between browser and host.
"""

from __future__ import annotations

import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.gauge.model import Answer
from aimo_host.samples import claude as claude_samples
from aimo_host.samples import ollama as ollama_samples
from tests.browser import tap
from tests.browser.stage import POPUP, SITES
from tests.simulator import canaries
from tests.simulator.people import ADA, BOB, everywhere, whose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Locator, Page

    from tests.browser.stage import Shim, Stage
    from tests.simulator.simulator import Simulator

pytestmark = pytest.mark.browser

PROVIDERS = ["claude", "codex", "zai", "ollama"]
#: One source of each provider that a reading cannot do without.
MAIN = ("claude.usage", "codex.usage", "zai.quota", "ollama.settings")
_LABELS = {
    "claude": {"session (5h)", "weekly (all)"},
    "codex": {"session (5h)", "weekly (7d)"},
    "zai": {"5h", "weekly", "tool usage (monthly)"},
    "ollama": {"session", "weekly"},
}


@pytest.fixture(scope="module")
def recording(stage: Stage) -> str:
    """Where the frames between browser and host are written down."""
    return stage.tap()


@pytest.fixture(scope="module")
def shim(stage: Stage) -> Shim:
    return stage.serve()


@pytest.fixture(scope="module")
def browser(stage: Stage, recording: str) -> Iterator[BrowserContext]:  # noqa: ARG001 - the tap must be there before the host
    """A browser that has been to all four sites; their tabs stay open."""
    with stage.watched() as context:
        pages = [context.pages[0], *(context.new_page() for _ in SITES[1:])]
        for page, site in zip(pages, SITES, strict=True):
            page.goto(site)
        stage.await_zai_token(context)
        yield context


def _refresh(stage: Stage, simulator: Simulator, shim: Shim) -> list[dict[str, Any]]:
    """All four providers as a healthy refresh has just read them, and nothing in the way of the next one."""
    simulator.reset()
    stage.forget_attempts()
    entries: list[dict[str, Any]] = shim.get("/api/refresh?wait=75", "POST").json
    stage.forget_attempts()
    simulator.clear()
    return entries


@pytest.fixture
def read(stage: Stage, simulator: Simulator, shim: Shim, browser: BrowserContext) -> list[dict[str, Any]]:  # noqa: ARG001 - it answers
    """What was read just before the test."""
    return _refresh(stage, simulator, shim)


@pytest.fixture(scope="module")
def shared(stage: Stage, simulator: Simulator, shim: Shim, browser: BrowserContext) -> list[dict[str, Any]]:  # noqa: ARG001 - it answers
    """What was read once, for tests that only look, and that come before those that change something."""
    return _refresh(stage, simulator, shim)


def _numbers(entries: list[dict[str, Any]]) -> dict[str, list[tuple[str, float]]]:
    return {entry["provider"]: [(window["label"], window["used_pct"]) for window in entry["windows"]] for entry in entries}


def _open_popup(browser: BrowserContext) -> Page:
    page = browser.new_page()
    page.set_viewport_size({"width": 380, "height": 600})
    page.goto(POPUP)
    return page


def _rows(page: Page, provider: str) -> Locator:
    return page.locator(f'[data-key^="{provider}|"] .row')


def _shows(page: Page, entries: list[dict[str, Any]]) -> None:
    """Returns as soon as the face shows every window that binds."""
    for entry in entries:
        for window in entry["windows"]:
            if window["binding"]:
                _rows(page, entry["provider"]).filter(has_text=f"{window['used_pct']:.0f} %").first.wait_for()


def test_the_popup_fills_in_provider_by_provider(stage: Stage, simulator: Simulator, browser: BrowserContext) -> None:
    release = threading.Event()
    slow = ollama_samples.answers(time.time())["ollama.settings"]
    simulator.set("ollama.settings", lambda _now: slow if release.wait(15) else Answer(500))
    page = _open_popup(browser)
    for provider in ("claude", "codex", "zai"):
        _rows(page, provider).first.wait_for()
    assert _rows(page, "ollama").count() == 0
    assert not stage.cache().get("ollama", {}).get("windows")
    release.set()
    _rows(page, "ollama").first.wait_for()
    page.close()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_is_read_through_the_browser(shared: list[dict[str, Any]], provider: str) -> None:
    [entry] = [entry for entry in shared if entry["provider"] == provider]
    assert (entry["ok"], entry["stale"], entry["error"], entry["_source"]) == (True, False, None, "push")
    assert _LABELS[provider] <= {window["label"] for window in entry["windows"]}


def test_the_entries_come_in_the_fixed_order(shared: list[dict[str, Any]]) -> None:
    assert [entry["provider"] for entry in shared] == PROVIDERS


def test_the_numbers_are_those_that_the_provider_sent(shared: list[dict[str, Any]]) -> None:
    sent = {limit["kind"]: float(limit["percent"]) for limit in claude_samples.usage(0.0)["limits"]}
    numbers = dict(_numbers(shared)["claude"])
    assert (numbers["session (5h)"], numbers["weekly (all)"]) == (sent["session"], sent["weekly_all"])


def test_the_cache_file_holds_what_the_refresh_returned(stage: Stage, shared: list[dict[str, Any]]) -> None:
    assert _numbers(list(stage.cache().values())) == _numbers(shared)


def test_the_cached_command_line_says_the_same(stage: Stage, shared: list[dict[str, Any]]) -> None:
    done = stage.aimo("--cached", "--json")
    assert done.returncode == 0, done.stderr
    assert _numbers(json.loads(done.stdout)) == _numbers(shared)


def test_the_http_answer_says_the_same(shim: Shim, shared: list[dict[str, Any]]) -> None:
    assert _numbers(shim.get("/api/usage").json) == _numbers(shared)


def test_the_popup_shows_the_same(browser: BrowserContext, shared: list[dict[str, Any]]) -> None:
    page = _open_popup(browser)
    _shows(page, shared)
    page.close()


def test_the_dashboard_shows_the_same(browser: BrowserContext, shim: Shim, shared: list[dict[str, Any]]) -> None:
    page = browser.new_page()
    page.goto(shim.url)
    _shows(page, shared)
    page.close()


def test_a_web_page_gets_nothing_from_the_shim_and_starts_nothing(
    simulator: Simulator, shim: Shim, browser: BrowserContext, read: list[dict[str, Any]]
) -> None:
    assert all(entry["ok"] for entry in read)
    [page] = [page for page in browser.pages if page.url == "https://claude.ai/"]
    asking = "url => fetch(url).then((answer) => answer.text(), () => null)"
    assert page.evaluate(asking, f"{shim.url}/api/usage") is None
    blindly = "url => fetch(url, {method: 'POST', mode: 'no-cors'}).then(() => null, () => null)"
    page.evaluate(blindly, f"{shim.url}/api/refresh?wait=5")
    assert simulator.requests == []


def test_a_read_within_a_minute_asks_nobody(simulator: Simulator, shim: Shim) -> None:
    shim.get("/api/usage")
    assert simulator.requests == []


# -- secrets stay in the browser


def _leaked(recording: str) -> list[str]:
    pipe = tap.heard(recording, tap.TO_HOST) + tap.heard(recording, tap.TO_BROWSER)
    return [secret for secret in canaries.SECRETS if secret.encode() in pipe]


@pytest.mark.usefixtures("read")
def test_no_cookie_or_token_ever_appears_in_a_frame(recording: str) -> None:
    answers = [frame for frame in tap.frames(recording, tap.TO_HOST) if frame["type"] == "answer"]
    asked = {frame["source"] for frame in tap.frames(recording, tap.TO_BROWSER) if frame["type"] == "ask"}
    assert asked == {"claude.organizations", "claude.prepaid_credits", *MAIN}
    assert len(answers) >= len(asked)
    assert _leaked(recording) == []


@pytest.mark.usefixtures("read")
def test_no_header_but_the_four_allowed_ones_reaches_the_host(recording: str) -> None:
    headers = {name for frame in tap.frames(recording, tap.TO_HOST) for name in frame.get("headers", ())}
    assert headers <= {"retry-after", "content-type", "date", "cf-mitigated"}


@pytest.mark.usefixtures("read")
def test_nothing_that_we_keep_names_a_secret_or_a_person(stage: Stage) -> None:
    found = []
    for folder, _, names in os.walk(stage.home):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):  # not a socket
                with open(path, "rb") as file:
                    content = file.read()
                found += [(path, mark) for mark in (*canaries.SECRETS, *canaries.PRIVATE) if mark.encode() in content]
    assert found == []


def test_nothing_that_we_show_names_a_secret_or_a_person(stage: Stage, shim: Shim, read: list[dict[str, Any]]) -> None:
    shown = json.dumps(read) + shim.get("/api/ping").text + stage.aimo("--cached").stdout
    assert [mark for mark in (*canaries.SECRETS, *canaries.PRIVATE) if mark in shown] == []


@pytest.mark.usefixtures("read")
def test_the_host_s_command_line_and_environment_hold_no_secret(stage: Stage) -> None:
    [host] = stage.hosts()
    with open(f"/proc/{host}/cmdline", "rb") as cmdline, open(f"/proc/{host}/environ", "rb") as environ:
        visible = cmdline.read() + environ.read()
    assert [secret for secret in canaries.SECRETS if secret.encode() in visible] == []


# -- a provider in trouble

_CHALLENGE = Answer(403, "<title>Just a moment...</title>", {"cf-mitigated": "challenge", "content-type": "text/html"})
_TROUBLES: dict[str, tuple[Answer, set[str]]] = {
    "401": (Answer(401, "{}"), {"not_signed_in", "sign_in_expired"}),
    "a browser check": (_CHALLENGE, {"browser_check"}),
    "429": (Answer(429, "", {"retry-after": "120"}), {"rate_limited"}),
    "500": (Answer(500, "Internal Server Error"), {"provider_down"}),
    "a page for an answer": (Answer(200, "<!doctype html><title>Welcome</title><p>Hello</p>"), {"unexpected_answer"}),
    "half an answer": (Answer(200, '{"limits": [{"kind": "ses'), {"unexpected_answer"}),
    "an empty answer": (Answer(200, ""), {"unexpected_answer"}),
    "a cut connection": (Answer(failed="network"), {"unreachable"}),
    "no answer at all": (Answer(failed="timeout"), {"unreachable"}),
}


@pytest.mark.parametrize("trouble", _TROUBLES)
def test_a_failed_refresh_keeps_the_last_good_windows_and_says_why(
    simulator: Simulator, shim: Shim, read: list[dict[str, Any]], trouble: str
) -> None:
    answer, codes = _TROUBLES[trouble]
    for source in MAIN:
        simulator.set(source, answer)
    after = shim.get("/api/refresh?wait=75", "POST").json
    assert _numbers(after) == _numbers(read)
    for entry in after:
        assert entry["stale"] is True, entry
        assert entry["error"], entry
        assert entry["problem"]["code"] in codes, entry
        assert entry["problem"]["action"], entry


@pytest.mark.usefixtures("read")
def test_a_demanded_wait_is_passed_on(simulator: Simulator, shim: Shim) -> None:
    simulator.set("claude.usage", _TROUBLES["429"][0])
    [claude, *_] = shim.get("/api/refresh?wait=75", "POST").json
    assert claude["problem"]["retry_at"] > claude["attempted_at"]


@pytest.mark.usefixtures("read")
@pytest.mark.parametrize("source", MAIN)
def test_one_provider_in_trouble_leaves_the_other_rows_alone(simulator: Simulator, shim: Shim, source: str) -> None:
    simulator.set(source, Answer(500))
    after = shim.get("/api/refresh?wait=75", "POST").json
    assert [entry["provider"] for entry in after if entry["stale"]] == [source.partition(".")[0]]
    assert [entry["provider"] for entry in after if not entry["windows"]] == []


def test_a_bot_check_is_passed_inside_an_open_tab_of_the_site(
    simulator: Simulator, shim: Shim, browser: BrowserContext, recording: str, read: list[dict[str, Any]]
) -> None:
    simulator.demand_clearance("claude", "codex", "ollama")
    for page in browser.pages:
        if page.url in SITES:
            page.reload()
    after = shim.get("/api/refresh?wait=75", "POST").json
    assert [(entry["provider"], entry["stale"]) for entry in after] == [(provider, False) for provider in PROVIDERS]
    assert _numbers(after) == _numbers(read)
    for host in ("claude.ai", "chatgpt.com", "ollama.com"):
        asked = [seen for seen in simulator.seen(host=host) if seen.path != "/"]
        assert {seen.status for seen in asked} == {403, 200}, host
        assert {"cf_clearance" in seen.headers.get("cookie", "") for seen in asked if seen.status == 200} == {True}, host
    assert _leaked(recording) == []


def test_a_visit_that_signs_another_person_in_changes_the_rows_to_theirs(
    stage: Stage, shim: Shim, browser: BrowserContext, read: list[dict[str, Any]]
) -> None:
    assert whose(read) == everywhere("ada")
    for person in (BOB, ADA):
        for page in browser.pages:
            if page.url.partition("?")[0] in SITES:
                page.goto(f"{page.url.partition('?')[0]}?as={person.name}")
        stage.await_zai_token(browser, person)
        stage.forget_attempts()
        after = shim.get("/api/refresh?wait=75", "POST").json
        assert whose(after) == everywhere(person.name)
