"""A hostile page and a second, hostile extension in the real browser, beside aimo as a person has it: nothing read, nothing done.

Every attack is made twice: on the running shim, and on a naive server, which tells that it comes through and would have worked.
All readings are old, so that any request that got past the guard would ask the providers.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.browser import chromium as browser
from tests.browser import processes, tap
from tests.browser.stage import EXTENSION, EXTENSION_ID, POPUP, SITES
from tests.security.naive import HERE, NOBODYS, Naive, function
from tests.simulator import canaries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Page, Worker

    from tests.browser.stage import Shim, Stage
    from tests.simulator.simulator import Simulator

pytestmark = pytest.mark.browser

HOSTILE = os.path.join(HERE, "extension")
ATTACK = function("attacks.js", "attack")
SHOUT = function("messages.js", "shout")
FORGED = canaries.jwt({"id": "forged"}, "forged")
_KEPT = "() => chrome.storage.local.get().then((kept) => JSON.stringify(kept))"


@pytest.fixture(scope="module")
def naive() -> Iterator[Naive]:
    with Naive() as running:
        yield running


@pytest.fixture(scope="module")
def lair() -> Iterator[Naive]:
    """Where the hostile pages stand."""
    with Naive() as running:
        yield running


@pytest.fixture(scope="module")
def shim(stage: Stage) -> Shim:
    return stage.serve()


@pytest.fixture(scope="module")
def recording(stage: Stage) -> str:
    return stage.tap()


@pytest.fixture(scope="module")
def context(
    stage: Stage, simulator: Simulator, lair: Naive, shim: Shim, recording: str, chromium: str
) -> Iterator[BrowserContext]:
    """Signed in everywhere, everything read once and long ago; the hostile extension is there from the start."""
    assert recording
    rules = f"MAP evil.example:80 127.0.0.1:{lair.port}, MAP rebound.example 127.0.0.1, {simulator.resolver_rules}"
    options = browser.arguments(f"{EXTENSION},{HOSTILE}", rules)
    with browser.watched(chromium, stage.profile, stage.environ, options) as running:
        for site in SITES:
            running.new_page().goto(site)
        processes.until(lambda: len(running.service_workers) == 2, "both extensions have their worker")
        processes.until(lambda: canaries.ZAI_SIGNATURE in _worker(running).evaluate(_KEPT), "z.ai's token is there")
        entries = shim.get("/api/refresh?wait=75", "POST").json
        assert [entry["provider"] for entry in entries if not entry["ok"]] == []
        processes.until(lambda: _is_at_rest(running, entries), "the extension has written down what was read")
        yield running


def _is_at_rest(context: BrowserContext, entries: list[dict[str, Any]]) -> bool:
    kept = json.loads(_worker(context).evaluate(_KEPT))["face_state"]
    read = [{entry["provider"]: entry["attempted_at"] for entry in found} for found in (kept["snapshot"]["entries"], entries)]
    return kept["refreshing"] == [] and read[0] == read[1]


def _worker(context: BrowserContext, *, hostile: bool = False) -> Worker:
    extensions = [worker for worker in context.service_workers if worker.url.startswith("chrome-extension://")]
    [found] = [worker for worker in extensions if (EXTENSION_ID in worker.url) != hostile]
    return found


class Peace:
    """Everything of ours that an attack could change, before and after."""

    def __init__(self, stage: Stage, simulator: Simulator, context: BrowserContext, recording: str) -> None:
        self._stage, self._simulator, self._context, self._recording = stage, simulator, context, recording
        self.before = self._look()

    def _look(self) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for folder, _, names in os.walk(self._stage.home):
            for path in (os.path.join(folder, name) for name in names):
                if os.path.isfile(path):  # not a socket
                    with open(path, "rb") as file:
                        kept[path] = file.read()
        kept["asked of providers"] = [(seen.host, seen.path) for seen in self._simulator.requests if seen.source]
        kept["said to the host"] = tap.frames(self._recording, tap.TO_HOST)
        kept["in the extension"] = _worker(self._context).evaluate(_KEPT)
        kept["processes"] = sorted(processes.carrying(self._stage.home))
        return kept

    def changes(self) -> dict[str, Any]:
        after = self._look()
        return {name: after.get(name) for name in {*self.before, *after} if self.before.get(name) != after.get(name)}


@pytest.fixture
def peace(stage: Stage, simulator: Simulator, context: BrowserContext, recording: str) -> Iterator[Peace]:
    stage.let_pass(3600)
    simulator.clear()
    yield Peace(stage, simulator, context, recording)
    first, *others = context.pages
    for page in others:
        if page.url not in SITES:
            page.close()
    first.goto("about:blank")


def _page(context: BrowserContext, url: str) -> Page:
    """The page at this address, which is left after the test; one of a provider's site is open all the time."""
    first, *others = context.pages
    for page in others:
        if page.url == url:
            return page
    first.goto(url)
    return first


def _at(host: str, shim: Shim) -> str:
    return f"http://{host}:{urlsplit(shim.url).port}"


#: Whose page attacks -> where it stands, and the name of ours that it tries.
PLACES = {
    "a page on another port of localhost": ("http://localhost:{port}/", "localhost"),
    "a page on another port of 127.0.0.1": ("http://127.0.0.1:{port}/", "127.0.0.1"),
    "a page of another site": ("http://evil.example/", "localhost"),
    "a page of a provider": ("https://claude.ai/", "127.0.0.1"),
    "a page without an origin": (f"http://localhost:{{port}}{NOBODYS}", "localhost"),
}


def _is_nothing(learned: dict[str, str]) -> bool:
    """Whether a page learned neither data nor that a file is there."""
    loads = {name: learned.get(name) for name in ("image", "script", "module", "style", *_FILES)}
    return "provider" not in json.dumps(learned) and set(loads.values()) <= {"error", None}


_FILES = ("a static file as script", "a static file as style")


@pytest.mark.parametrize("place", PLACES)
def test_a_page_learns_nothing_and_causes_nothing_whatever_it_tries(
    context: BrowserContext, lair: Naive, naive: Naive, shim: Shim, peace: Peace, place: str
) -> None:
    where, name = PLACES[place]
    page = _page(context, where.format(port=lair.port))
    learned = page.evaluate(ATTACK, [_at(name, shim)])
    assert len(learned) >= 29
    assert _is_nothing(learned), learned
    # The same on a server that answers everybody: every single attempt comes through.
    naive.arrived.clear()
    known = page.evaluate(ATTACK, [naive.url("localhost")])
    names = dict(enumerate(known, 1))
    processes.until(lambda: naive.arrived >= set(names), f"they arrive: {names}")
    assert not _is_nothing(known)
    assert peace.changes() == {}


_RICH = (("GET", "/api/usage"), ("POST", "/api/refresh"), ("GET", "/usage"), ("GET", "/api/answer"), ("GET", "/view/words.js"))


def test_a_page_whose_name_leads_to_this_machine_is_told_nothing(context: BrowserContext, shim: Shim, peace: Peace) -> None:
    """DNS rebinding: to the browser it is one and the same site, so it asks like our own dashboard."""
    base = _at("rebound.example", shim)
    page = _page(context, base)
    read = "([url, init]) => fetch(url, init).then((answer) => answer.text())"
    told = [page.evaluate(read, [f"{base}{path}", {"method": method}]) for method, path in _RICH]
    assert {json.loads(text)["error"]["code"] for text in told} == {"wrong_host"}
    assert peace.changes() == {}


def test_a_link_opens_the_dashboard_and_its_opener_cannot_look_inside(
    context: BrowserContext, lair: Naive, shim: Shim, peace: Peace
) -> None:
    page = _page(context, lair.url("localhost"))
    with context.expect_page() as opened:
        page.evaluate("(url) => { window.other = open(url) }", _at("localhost", shim))
    opened.value.wait_for_selector("[data-key]")
    look = "() => { try { return window.other.document.body.innerText } catch (error) { return error.name } }"
    # To the opener it is a window that was closed, which it cannot lead elsewhere either.
    assert (page.evaluate(look), page.evaluate("() => window.other.closed")) == ("SecurityError", True)
    assert peace.changes() == {}


@pytest.mark.parametrize("where", ["http://localhost:{port}/", "http://evil.example/", "https://claude.ai/"])
def test_a_page_that_opens_the_dashboard_again_and_again_starts_no_refresh(
    context: BrowserContext, lair: Naive, shim: Shim, peace: Peace, where: str
) -> None:
    page = _page(context, where.format(port=lair.port))
    for path in ("/", "/dashboard/index.html", "/"):
        with context.expect_page() as opened:
            page.evaluate("(url) => { open(url, 'dashboard') }", _at("localhost", shim) + path)
        opened.value.wait_for_selector("[data-key]")
    assert peace.changes() == {}


# -- another extension


def test_another_extension_gets_no_host(context: BrowserContext, peace: Peace) -> None:
    forbidden = "Access to the specified native messaging host is forbidden."
    hostile = _worker(context, hostile=True)
    assert hostile.evaluate("nativeHost('com.aimo.host')") == forbidden
    assert forbidden in hostile.evaluate("oneNativeMessage('com.aimo.host')")
    assert peace.changes() == {}


def test_the_installed_launcher_refuses_another_extension_before_it_says_a_word(
    context: BrowserContext, stage: Stage, peace: Peace
) -> None:
    hostile = _worker(context, hostile=True).url.removesuffix("worker.js")
    launcher = os.path.join(stage.home, "data", "bin", "aimo-host")
    for arguments in ([hostile], [], [hostile, f"chrome-extension://{EXTENSION_ID}/"]):
        done = subprocess.run([launcher, *arguments], env=stage.environ, input=b"", capture_output=True, timeout=20, check=False)
        assert (done.returncode, done.stdout) == (2, b"")
    assert peace.changes() == {}


def test_another_extension_is_not_listened_to(context: BrowserContext, peace: Peace) -> None:
    heard = _worker(context, hostile=True).evaluate(SHOUT, [EXTENSION_ID, FORGED])
    assert len(heard) > 20
    assert set(heard) == {"Could not establish connection. Receiving end does not exist."}
    assert peace.changes() == {}


def test_another_extension_s_worker_learns_nothing_from_the_shim(
    context: BrowserContext, naive: Naive, shim: Shim, peace: Peace
) -> None:
    hostile = _worker(context, hostile=True)
    assert "provider" not in json.dumps(hostile.evaluate(ATTACK, [_at("localhost", shim)]))
    # It may read any server: that one's answer is no secret to it.
    assert "provider" in hostile.evaluate(ATTACK, [naive.url("localhost")])["fetch without cors"]
    assert peace.changes() == {}


def test_nothing_of_our_extension_can_be_loaded_or_entered_by_others(context: BrowserContext, lair: Naive, peace: Peace) -> None:
    hostile = _worker(context, hostile=True)
    page = _page(context, lair.url("localhost"))
    load = "(url) => fetch(url).then((answer) => answer.text(), String)"
    for path in ("manifest.json", "popup/popup.html", "view/words.js", "content/zai_token.js", "icons/16.png"):
        for asking in (hostile, page):
            assert "Failed to fetch" in asking.evaluate(load, f"chrome-extension://{EXTENSION_ID}/{path}")
    assert "Cannot access" in hostile.evaluate("(url) => inject(url)", POPUP)
    # It opened the popup in a tab, and an opened popup asks: what any click on our icon does, and nothing more.
    assert {place for place in peace.changes() if "config" in place} == set()


def test_a_page_that_may_talk_to_another_extension_is_not_listened_to_by_ours(
    context: BrowserContext, lair: Naive, peace: Peace
) -> None:
    page = _page(context, lair.url("localhost"))
    heard = page.evaluate(SHOUT, [EXTENSION_ID, FORGED])
    assert set(heard) == {"Could not establish connection. Receiving end does not exist."}
    assert peace.changes() == {}


# -- inside a provider's page


def _inside(context: BrowserContext, url: str, source: str, given: list[str], *, frames: bool = False) -> list[Any]:
    """What a content script of ours comes to that was taken over, in each frame: the function runs with its rights."""
    run = f"""async ([url, given, allFrames]) => {{
        const [tab] = await chrome.tabs.query({{ url }});
        const target = {{ tabId: tab.id, allFrames }};
        const found = await chrome.scripting.executeScript({{ target, world: "ISOLATED", func: {source}, args: [given] }});
        return found.map(({{ result }}) => result);
    }}"""
    found: list[Any] = _worker(context).evaluate(run, [url, given, frames])
    return found


_STORAGE = """async () => {
    const said = {};
    for (const area of ["local", "session", "sync"]) for (const act of ["get", "set", "clear"]) {
        try { said[`${area} ${act}`] = JSON.stringify(await chrome.storage[area][act](act === "set" ? { planted: 1 } : null)) }
        catch (error) { said[`${area} ${act}`] = String(error) }
    }
    return said;
}"""


def test_storage_is_closed_to_content_scripts(context: BrowserContext, peace: Peace) -> None:
    for url in ("https://z.ai/*", "https://claude.ai/*"):
        [said] = _inside(context, url, _STORAGE, [])
        assert set(said.values()) == {"Error: Access to storage is not allowed from this context."}, said
        assert len(said) == 9
    assert peace.changes() == {}


def _told_since(peace: Peace, recording: str) -> list[dict[str, Any]]:
    return tap.frames(recording, tap.TO_HOST)[len(peace.before["said to the host"]) :]


def test_a_content_script_of_z_ai_can_cause_token_captured_and_nothing_else(
    context: BrowserContext, peace: Peace, recording: str
) -> None:
    kept = json.loads(peace.before["in the extension"])
    [heard] = _inside(context, "https://z.ai/*", SHOUT, [EXTENSION_ID, FORGED])
    assert set(heard) <= {"The message port closed before a response was received.", "closed"}
    # It sent a token and took it back; the visit that this shows is all that the host hears.
    assert _told_since(peace, recording) == [{"type": "settings", "changed": {"wake": ["zai"]}}]
    now = json.loads(_worker(context).evaluate(_KEPT))
    assert "zai_jwt" not in now
    assert kept.pop("zai_jwt")["origin"] == "https://z.ai"
    for state in (kept, now):
        state["face_state"].pop("zai_captured_at")
    assert now == kept
    assert set(peace.changes()) == {"said to the host", "in the extension"}


@pytest.mark.parametrize("url", ["https://claude.ai/*", "https://chatgpt.com/*", "https://ollama.com/*"])
def test_a_content_script_anywhere_else_can_cause_nothing(context: BrowserContext, peace: Peace, url: str) -> None:
    [heard] = _inside(context, url, SHOUT, [EXTENSION_ID, FORGED])
    assert set(heard) <= {"The message port closed before a response was received.", "closed"}
    assert peace.changes() == {}


def test_a_frame_of_z_ai_in_another_page_can_cause_nothing(context: BrowserContext, peace: Peace) -> None:
    [page] = [page for page in context.pages if page.url == "https://claude.ai/"]
    page.evaluate("""() => new Promise((settle) => document.body.append(Object.assign(
        document.createElement("iframe"), { src: "https://z.ai/", onload: settle, id: "z" })))""")
    heard = _inside(context, "https://claude.ai/*", SHOUT, [EXTENSION_ID, FORGED], frames=True)
    page.evaluate("() => document.getElementById('z').remove()")
    assert len(heard) == 2
    assert peace.changes() == {}


def test_a_page_of_z_ai_cannot_speak_to_the_content_script(context: BrowserContext, peace: Peace) -> None:
    [page] = [page for page in context.pages if page.url == "https://z.ai/"]
    page.evaluate(
        """async (token) => {
        const captured = { type: "zai_token", token };
        for (const message of [captured, JSON.stringify(captured), { type: "refresh" }, token]) {
            postMessage(message, "*");
            dispatchEvent(new MessageEvent("message", { data: message, origin: location.origin, source: window }));
            for (const name of ["zai_token", "message", "aimo"]) dispatchEvent(new CustomEvent(name, { detail: message }));
        }
        for (const name of ["storage", "blur"]) dispatchEvent(new StorageEvent(name, { key: "x", newValue: token }));
        await new Promise((settle) => setTimeout(settle, 300));
    }""",
        FORGED,
    )
    assert peace.changes() == {}
