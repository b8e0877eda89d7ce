"""The same clicks with our own host behind them: what really becomes of a refresh, a switch, an order and a dashboard."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.browser import processes
from tests.browser.stage import EXTENSION_ID, POPUP, Stage
from tests.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.browser

OPTIONS = f"chrome-extension://{EXTENSION_ID}/options/options.html"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def home(simulator: Simulator, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(str(tmp_path_factory.mktemp("h")), simulator, chromium, AIMO_PORT="0") as ours:
        ours.install()
        yield ours
        processes.kill(_dashboards(ours))  # it outlives its browser, as it should


def _dashboards(home: Stage) -> list[int]:
    return [pid for pid, command in processes.carrying(home.home).items() if "aimo_host serve" in command]


@pytest.fixture(scope="module")
def browser(home: Stage) -> Iterator[BrowserContext]:
    """A browser that has been to all four sites."""
    with home.watched() as context:
        home.visit(context)
        yield context


@pytest.fixture
def popup(home: Stage, browser: BrowserContext, simulator: Simulator) -> Iterator[Page]:
    """The popup, all four providers read."""
    home.forget_attempts()
    page = browser.pages[0]
    page.goto(POPUP)
    for provider in ("claude", "codex", "zai", "ollama"):
        page.locator(f'[data-key^="{provider}|"] .row').first.wait_for()
    page.locator(".note.reading").first.wait_for(state="detached")
    home.forget_attempts()
    simulator.clear()
    yield page
    if not page.is_closed():
        page.goto("about:blank")


def _options(browser: BrowserContext) -> Page:
    page = browser.new_page()
    page.goto(OPTIONS)
    page.locator("fieldset:enabled").first.wait_for()
    return page


def test_the_answer_stands_on_top(popup: Page) -> None:
    popup.get_by_text("Use Codex: 84 % left until").wait_for()


def test_the_refresh_button_asks_every_provider(popup: Page, simulator: Simulator) -> None:
    popup.locator("#refresh").click()
    processes.until(lambda: len({seen.source for seen in simulator.requests if seen.source}) >= 4, "everybody is asked")


def test_a_provider_that_is_switched_off_loses_its_rows_and_is_not_asked(
    popup: Page, browser: BrowserContext, home: Stage, simulator: Simulator
) -> None:
    options = _options(browser)
    options.get_by_label("Mode of Z.ai").select_option("off")
    popup.locator('[data-key^="zai|"]').wait_for(state="detached")
    home.forget_attempts()
    simulator.clear()
    popup.locator("#refresh").click()
    processes.until(lambda: simulator.seen(source="ollama.settings"), "the others are asked")
    home.forget_attempts()
    assert simulator.seen(source="zai.quota") == []
    options.get_by_label("Mode of Z.ai").select_option("auto")
    options.get_by_role("button", name="Check now").nth(2).click()
    popup.locator('[data-key^="zai|"] .row').first.wait_for()
    options.close()


def test_an_order_is_kept_by_the_host(popup: Page, browser: BrowserContext) -> None:
    options = _options(browser)
    options.get_by_role("button", name="Move Claude down").click()
    processes.until(lambda: popup.locator("#gauges h2").first.text_content() == "Codex", "the popup follows")
    options.reload()
    processes.until(lambda: options.locator("#providers .what").first.text_content() == "Codex", "it is still so")
    options.get_by_role("button", name="Move Claude up").click()
    options.close()


def test_the_dashboard_button_starts_it_and_opens_a_living_tab(popup: Page, browser: BrowserContext, home: Stage) -> None:
    with popup.expect_event("close"), browser.expect_page() as opened:
        popup.locator("#dashboard").click()
    opened.value.get_by_text("Use Codex: 84 % left until").wait_for()
    assert len(_dashboards(home)) == 1


def test_a_fallback_key_is_stored_and_never_comes_back(popup: Page, browser: BrowserContext, home: Stage) -> None:
    options = _options(browser)
    options.get_by_label("Z.ai API key").fill("fallback.key")
    options.get_by_role("button", name="Save").click()
    options.get_by_text("Sent to the host").wait_for()
    options.reload()
    options.locator("fieldset:enabled").first.wait_for()
    assert options.get_by_label("Z.ai API key").input_value() == ""
    assert "fallback.key" not in options.content() + popup.content()
    found = subprocess.run(["grep", "-rl", "fallback.key", home.home], capture_output=True, text=True, check=False).stdout
    assert len(found.splitlines()) == 1
    options.close()
