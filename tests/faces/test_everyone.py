"""Faces for everyone: axe's rules, the keyboard, zoom, motion, forced colours, two languages, the person's own zone."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal

import pytest

from aimo_host.gauge.times import iso, parse_iso
from tests.faces import scenes
from tests.faces.axe import violations
from tests.faces.theatre import OPTIONS, POPUP, as_new

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.faces.theatre import Theatre

pytestmark = pytest.mark.browser

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SCENES: dict[str, Callable[[float], scenes.Cache]] = {
    "full": scenes.full,
    "first run": scenes.first_run,
    "half broken": scenes.half_broken,
    "used up": scenes.used_up,
}
_READY = {POPUP: "#gauges > section, #sign_ins > a", OPTIONS: "#providers > li"}
_SIZE = {POPUP: (380, 600), OPTIONS: (640, 450)}


def _shown(stage: Theatre, face: str, scene: str, language: str = "en") -> Page:
    """The face on that scene, painted."""
    stage.play(SCENES[scene](time.time()), language=language, names={"sample": "work"})
    page = stage.open(face, *_SIZE[face])
    page.locator(_READY[face]).first.wait_for()
    page.wait_for_function("language => document.documentElement.lang === language", arg=language)
    return page


@pytest.fixture
def stage(house: Theatre) -> Iterator[Theatre]:
    """For a test that acts, and sets its own scene."""
    yield house
    house.clear()


View = tuple[str, str, str]


@pytest.fixture(scope="module")
def _view(house: Theatre, request: pytest.FixtureRequest) -> Iterator[tuple[Page, View]]:
    yield _shown(house, *request.param), request.param
    house.clear()


@pytest.fixture
def seen(_view: tuple[Page, View]) -> Iterator[Page]:
    """The face for a test that only looks. Those that look at the same face come one after another, and it is opened once."""
    page, (face, _, _) = _view
    yield page
    as_new(page, *_SIZE[face])


@pytest.fixture
def language(_view: tuple[Page, View]) -> str:
    return _view[1][2]


def on(*views: View) -> pytest.MarkDecorator:
    """What a test looks at: face, scene and language."""
    return pytest.mark.parametrize("_view", views, ids=map("-".join, views), indirect=True)


@on((POPUP, "full", "en"), (POPUP, "first run", "en"), (POPUP, "half broken", "en"), (OPTIONS, "half broken", "en"))
def test_axe_finds_nothing_in_either_theme(seen: Page) -> None:
    for theme in THEMES:
        seen.emulate_media(color_scheme=theme)
        assert violations(seen) == [], theme


# -- size


@on((POPUP, "full", "en"), (POPUP, "half broken", "ja"), (POPUP, "used up", "en"))
def test_fourteen_windows_need_no_scrolling_in_the_popup(seen: Page) -> None:
    width, height = seen.evaluate("[document.documentElement.scrollWidth, document.body.scrollHeight]")
    assert (width, height <= 600) == (380, True), height


def test_the_full_scene_has_fourteen_windows(stage: Theatre) -> None:
    stage.play(scenes.full(time.time()))
    assert sum(len(entry["windows"]) for entry in stage.state()["snapshot"]["entries"]) == 14


@on((POPUP, "half broken", "en"))
def test_a_popup_that_has_to_scroll_hides_nothing_behind_the_scroll_bar(seen: Page) -> None:
    seen.set_viewport_size({"width": 380, "height": 300})
    visible = seen.evaluate("document.documentElement.clientWidth")
    assert visible < 380
    rights = seen.locator(".row .end, .problem, .step").evaluate_all("all => all.map((one) => one.getBoundingClientRect().right)")
    assert max(rights) <= visible


@on((POPUP, "full", "en"), (POPUP, "full", "ja"))
def test_no_row_of_the_popup_is_cut_off(seen: Page) -> None:
    cut = seen.evaluate(
        "[...document.querySelectorAll('.row .name, .row .end, .row .said, .row .used')]"
        ".filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.textContent)"
    )
    assert cut == []


@on((OPTIONS, "half broken", "en"), (OPTIONS, "half broken", "ja"))
def test_the_options_page_at_200_percent_and_more_keeps_everything_reachable(seen: Page) -> None:
    assert _outside(seen) == []
    seen.set_viewport_size({"width": 320, "height": 450})
    assert _outside(seen) == []


def _outside(page: Page) -> list[str]:
    """What can be acted on and lies beside the page, where no scrolling gets to."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('a, button, input, select')].filter((one) => one.checkVisibility()).filter((one) => {"
        " const { left, right } = one.getBoundingClientRect();"
        " return left < 0 || right > document.documentElement.clientWidth; }).map((one) => one.outerHTML)"
    )
    return found


# -- keyboard


@pytest.mark.parametrize("face", [POPUP, OPTIONS])
def test_the_keyboard_alone_reaches_everything_in_the_order_of_reading(stage: Theatre, face: str) -> None:
    page = _shown(stage, face, "half broken")
    page.evaluate(
        "window.all = [...document.querySelectorAll('a, button, input, select, code[tabindex]')]"
        ".filter((one) => one.checkVisibility() && !one.disabled && !one.closest('fieldset:disabled'))"
    )
    count = page.evaluate("all.length")
    reached = []
    for _ in range(count):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("all.indexOf(document.activeElement)"))
    assert reached == list(range(count))


def test_the_focused_control_is_marked(stage: Theatre) -> None:
    page = _shown(stage, POPUP, "full")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_refresh_leaves_the_focus_where_it_was(stage: Theatre) -> None:
    page = _shown(stage, POPUP, "full")
    page.locator(".bell").first.focus()
    stage.read([], scenes.read_again(stage.state()["snapshot"]["entries"][0], time.time()))
    page.get_by_text("49 %").wait_for()
    assert page.evaluate("document.activeElement.className") == "bell"


# -- eyes


def test_reduced_motion_stops_the_only_animation(stage: Theatre) -> None:
    page = _shown(stage, POPUP, "full")
    stage.read(["claude"])
    page.locator(".note.reading").wait_for()
    name = "getComputedStyle(document.querySelector('.note.reading'), '::before').animationName"
    assert page.evaluate(name) == "breathe"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(name) == "none"


@on((POPUP, "half broken", "en"))
def test_forced_colours_keep_the_bars_and_tell_unknown_from_empty(seen: Page) -> None:
    seen.emulate_media(forced_colors="active")
    style = "one => [getComputedStyle(one).borderTopStyle, getComputedStyle(one).borderTopWidth]"
    assert seen.locator(".unknown .bar").first.evaluate(style) == ["dashed", "1px"]
    assert seen.locator(".low .bar").first.evaluate(style) == ["solid", "1px"]
    fill = seen.locator(".full .fill").first.evaluate("one => getComputedStyle(one).backgroundColor")
    assert fill not in {"rgba(0, 0, 0, 0)", seen.evaluate("getComputedStyle(document.body).backgroundColor")}


@on((POPUP, "half broken", "en"))
@pytest.mark.parametrize(("level", "said"), [("full", "full"), ("unknown", "unknown")])
def test_colour_is_never_the_only_signal(seen: Page, level: str, said: str) -> None:
    row = seen.locator(f".row.{level}").first
    assert said in (row.text_content() or "")
    assert (row.locator(".used").text_content() or "").removesuffix("unknown") in {"\u2013", "100 %"}


# -- words, zone, numbers


@on(*((face, "half broken", language) for face in (POPUP, OPTIONS) for language in ("en", "ja")))
def test_every_word_is_in_the_language_of_the_person(seen: Page, language: str) -> None:
    text = seen.locator("body").inner_text()
    assert re.findall(r"\{\w+\}|\b[a-z]+_[a-z_]+\b", text) == []
    assert bool(re.search(r"[ぁ-ん]", text.replace("日本語", ""))) is (language == "ja")


def _fable(stage: Theatre) -> dict[str, Any]:
    windows = stage.state()["snapshot"]["entries"][0]["windows"]
    found: dict[str, Any] = next(window for window in windows if window["scope"] == "Fable")
    return found


_COLOR = "one => { const { backgroundColor, color } = getComputedStyle(one); return backgroundColor + color; }"
_DAYS = {"en": "Mon Tue Wed Thu Fri Sat Sun", "ja": "月 火 水 木 金 土 日"}


@on((POPUP, "full", "en"), (POPUP, "full", "ja"))
def test_times_are_of_the_person_s_zone(house: Theatre, seen: Page, language: str) -> None:
    reset = datetime.fromtimestamp(parse_iso(_fable(house)["resets_at"]) or 0, timezone(timedelta(hours=9)))
    expected = f"{_DAYS[language].split()[reset.weekday()]}\u00a0{reset:%H:%M}"
    assert expected in (seen.locator(".row.full .end").first.text_content() or "")


@pytest.mark.parametrize(("language", "said"), [("en", "$12,345.60 / $50,000"), ("ja", "$12,345.60 / $50,000")])
def test_numbers_are_grouped_and_money_has_its_sign(stage: Theatre, language: str, said: str) -> None:
    cache = scenes.full(time.time())
    [extra] = [window for window in cache["entries"][0]["windows"] if window["kind"] == "spend"]
    extra.update(usage=12345.6, limit=50000)
    stage.play(cache, language=language)
    page = stage.open(POPUP)
    page.get_by_text(said).wait_for()


@pytest.mark.parametrize(("language", "said"), [("en", "read 3 h ago"), ("ja", "3時間前に取得")])
def test_a_window_that_was_read_long_before_the_others_looks_old_and_tells_its_age(
    stage: Theatre, language: str, said: str
) -> None:
    cache = scenes.full(time.time())
    cache["entries"][0]["windows"][1]["observed_at"] = iso(time.time() - 3.5 * 3600)
    stage.play(cache, language=language)
    page = stage.open(POPUP)
    old = page.locator(".row.faded")
    old.wait_for()
    fresh = page.locator('[data-key^="claude|"] .row').first
    assert (old.get_attribute("title") or "").endswith(f" · {said}")
    assert [old.locator(part).evaluate(_COLOR) == fresh.locator(part).evaluate(_COLOR) for part in (".fill", ".name")] == [
        False
    ] * 2
    assert {row.evaluate("row => row.offsetHeight") for row in (old, fresh)} == {19}


# -- calm

_SHIFTS = """() => new Promise((done) => {
  const shifts = [];
  new PerformanceObserver((list) => shifts.push(...list.getEntries())).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(shifts.reduce((sum, shift) => sum + shift.value, 0)), 150);
})"""


def test_nothing_moves_after_the_first_paint_while_a_refresh_fills_in(stage: Theatre) -> None:
    page = _shown(stage, POPUP, "full")
    snapshot = stage.state()["snapshot"]
    left = [entry["provider"] for entry in snapshot["entries"]]
    stage.read(left)
    page.locator(".note.reading").nth(3).wait_for()
    for entry in snapshot["entries"]:
        left.remove(entry["provider"])
        stage.read(left, scenes.read_again(entry, time.time()))
    page.locator(".note.reading").first.wait_for(state="detached")
    assert page.evaluate(_SHIFTS) == 0
