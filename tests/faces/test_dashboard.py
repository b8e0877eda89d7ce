"""The dashboard on sample data: live, one refresh per opening, to nobody else, on paper, and for everyone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import processes
from tests.browser.stage import REPOSITORY
from tests.faces import scenes
from tests.faces.axe import violations
from tests.faces.theatre import as_new

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Request, Route

    from tests.faces.theatre import Theatre

pytestmark = pytest.mark.browser

_LISTENERS = """window.listeners = [];
window.EventSource = class extends EventSource { constructor(...all) { super(...all); listeners.push(this); } };"""
_SHIFTS = """() => new Promise((done) => {
  const shifts = [];
  new PerformanceObserver((list) => shifts.push(...list.getEntries())).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(shifts.reduce((sum, shift) => sum + shift.value, 0)), 150);
})"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `aimo demo --serve` answers."""
    home = str(tmp_path_factory.mktemp("d"))
    environ = {"PATH": os.environ["PATH"], "HOME": home, "AIMO_HOME": os.path.join(home, "aimo"), "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "aimo_host", "demo", "--serve"]
    child = subprocess.Popen(command, env=environ, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout is not None
    with child.stdout:
        line = next(line for line in iter(child.stdout.readline, b"") if b"listening on" in line)
        yield line.decode().split()[-1]
        processes.end(child)


@pytest.fixture
def page(house: Theatre) -> Iterator[Page]:
    """The tab that is always there, as a new one."""
    page = house.context.pages[0]
    as_new(page, 960, 700)
    yield page
    page.unroute_all()
    house.clear()


@pytest.fixture
def prepared(house: Theatre) -> Iterator[Page]:
    """A tab of its own, for a script that runs before those of every page in it."""
    page = house.context.new_page()
    yield page
    page.close()


def _read(page: Page, url: str) -> None:
    """Opens the dashboard; its refresh has ended."""
    page.goto(url)
    page.get_by_text("read just now").wait_for()


def _asked(page: Page) -> list[Request]:
    """Every request of the page to the API from now on."""
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if "/api/" in request.url else None)
    return asked


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def test_rows_arrive_while_others_are_still_being_read(page: Page, url: str) -> None:
    held: list[Route] = []
    welcome = scenes.welcome(scenes.full(time.time()))

    def tell(route: Route) -> None:
        codex = scenes.read_again(welcome["snapshot"]["entries"][1], time.time())  # while the refresh is under way
        codex["account"] = "sample"
        answer = {**welcome["snapshot"]["answer"], "notes": []}
        route.fulfill(content_type="text/event-stream", body=_event("entry", codex) + _event("answer", answer))

    page.route("**/api/refresh*", lambda route: held.append(route))  # noqa: PLW0108 - it wants a function of ours
    page.route("**/api/events", tell)
    page.goto(url)
    rows = page.locator('[data-key^="codex|"]')
    rows.get_by_text("18 %").wait_for()
    assert (rows.locator(".reading").count(), page.locator(".note.reading").count()) == (0, 3)
    assert page.locator("#facts").text_content() == ""
    held[0].continue_()
    page.locator(".note.reading").first.wait_for(state="detached")
    rows.get_by_text("16 %").wait_for()


def test_it_follows_the_order_and_the_language_that_the_person_chose(page: Page, url: str) -> None:
    def answer(route: Route) -> None:
        said = route.fetch().json()
        said["faces"] = {**said["faces"], "order": ["zai", "ollama", "codex", "claude"], "language": "ja"}
        route.fulfill(json=said)

    page.route("**/api/answer", answer)
    page.route("**/api/events", lambda route: route.abort())  # which would tell of nobody's wishes
    page.goto(url)
    page.get_by_text("たった今取得").wait_for()
    assert page.locator("h2").all_text_contents()[0].startswith("Z.ai")
    assert page.locator("html").get_attribute("lang") == "ja"


def test_opening_it_is_one_refresh_and_the_button_another(page: Page, url: str) -> None:
    asked = _asked(page)
    _read(page, url)
    assert [request.method for request in asked].count("POST") == 1
    page.locator("#refresh").click()
    page.get_by_text("read just now").wait_for()
    assert [request.method for request in asked].count("POST") == 2


def test_opened_by_another_page_it_shows_what_is_known_and_asks_only_when_the_person_does(page: Page, url: str) -> None:
    asked = _asked(page)
    page.set_content(f'<a href="{url}">a link</a>')
    page.get_by_text("a link").click()
    page.locator("[data-key]").first.wait_for()
    page.wait_for_load_state("networkidle")
    assert [request.method for request in asked].count("POST") == 0
    page.locator("#refresh").click()
    processes.until(lambda: [request.method for request in asked].count("POST") == 1, "it asks")


def test_it_listens_only_while_a_refresh_runs(prepared: Page, url: str) -> None:
    prepared.add_init_script(_LISTENERS)
    _read(prepared, url)
    prepared.wait_for_function("listeners.length === 1 && listeners[0].readyState === EventSource.CLOSED")


def test_it_asks_nobody_but_its_own_origin(page: Page, url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    _read(page, url)
    assert [address for address in asked if not address.startswith(url)] == []


def test_a_token_is_sent_and_taken_out_of_the_address_and_nothing_is_listened_to(page: Page, url: str) -> None:
    asked = _asked(page)
    page.goto(f"{url}/#token=abc")
    page.get_by_text("read just now").wait_for()
    assert {request.headers.get("authorization") for request in asked} == {"Bearer abc"}
    assert [request.url for request in asked if request.url.endswith("/api/events")] == []
    assert "token" not in page.url


def test_a_shim_that_is_gone_is_said_with_what_to_do(page: Page, url: str) -> None:
    _read(page, url)
    page.route("**/api/**", lambda route: route.abort())
    page.locator("#refresh").click()
    page.get_by_text("aimo does not answer any more.").wait_for()
    assert page.locator("#trouble code").text_content() == "aimo serve"


def test_sample_data_is_called_sample_data(page: Page, url: str) -> None:
    _read(page, url)
    assert page.get_by_text("Sample data: none of these numbers are yours.").is_visible()


def test_it_speaks_the_browser_s_language(prepared: Page, url: str) -> None:
    prepared.add_init_script("Object.defineProperty(navigator, 'languages', { get: () => ['ja-JP', 'en'] })")
    prepared.goto(url)
    prepared.get_by_text("たった今取得").wait_for()
    assert prepared.evaluate("document.documentElement.lang") == "ja"


def test_axe_finds_nothing_in_either_theme(page: Page, url: str) -> None:
    _read(page, url)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert violations(page) == [], theme


def test_nothing_moves_after_the_first_paint(page: Page, url: str) -> None:
    _read(page, url)
    page.locator("#refresh").click()
    page.get_by_text("read just now").wait_for()
    assert page.evaluate(_SHIFTS) == 0


@pytest.mark.parametrize("width", [480, 320])
def test_at_200_percent_and_more_nothing_lies_beside_the_page(page: Page, url: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 450})
    _read(page, url)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_on_paper_it_is_light_has_its_bars_and_no_buttons(page: Page, url: str) -> None:
    _read(page, url)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".fill").first.evaluate("one => getComputedStyle(one).printColorAdjust") == "exact"
    assert page.locator("button:visible").count() == 0
