"""What a click does, as the host hears it: refresh, next steps, order, modes, the dashboard, copying, "tell me", the badge."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.gauge import snapshot
from aimo_host.gauge.problems import Problem, as_json
from aimo_host.gauge.times import iso, parse_iso
from tests.browser import chromium, processes
from tests.faces import scenes
from tests.faces.theatre import OPTIONS, POPUP

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.faces.theatre import Theatre

pytestmark = pytest.mark.browser

_CLIPBOARD = "navigator.clipboard.readText()"


def _popup(stage: Theatre, page: Page | None = None) -> Page:
    """The popup; the refresh that its opening asked for has been heard."""
    page = stage.open(POPUP, page=page)
    page.locator("#gauges > section").first.wait_for()
    stage.awaits("refresh")
    return page


def _options(stage: Theatre) -> Page:
    page = stage.open(OPTIONS, 760, 900)
    page.locator("#providers > li").first.wait_for()
    return page


def _changed(stage: Theatre, count: int = 1) -> dict[str, Any]:
    changed: dict[str, Any] = stage.awaits("settings", count)["changed"]
    return changed


def _with_problem(provider: str, code: str, variant: str | None = None, **params: Any) -> scenes.Cache:
    """The full scene with one provider's newest attempt failed."""
    cache = scenes.full(time.time())
    problem = Problem(provider, code, variant, **params)
    [entry] = [entry for entry in cache["entries"] if entry["provider"] == provider]
    entry.update(stale=True, error=problem.sentence, problem=as_json(problem))
    return cache


# -- popup


def test_opening_the_popup_is_one_refresh_and_the_button_another(stage: Theatre) -> None:
    page = _popup(stage)
    page.locator("#refresh").click()
    assert stage.awaits("refresh", 2)["trigger"] == "popup"
    assert len(stage.heard("refresh")) == 2


def test_trying_again_asks_that_provider_alone(stage: Theatre) -> None:
    stage.play(_with_problem("claude", "unreachable"))
    page = _popup(stage)
    page.get_by_role("button", name="Try again").click()
    assert stage.awaits("refresh", 2)["providers"] == ["claude"]


def test_opening_the_site_of_a_browser_check_opens_it(stage: Theatre) -> None:
    stage.play(_with_problem("zai", "browser_check"))
    page = _popup(stage)
    link = page.get_by_role("link", name="Open z.ai")
    assert link.get_attribute("href") == "https://z.ai/"
    with stage.context.expect_page():
        link.click()


def test_going_to_sign_in_wakes_the_provider(stage: Theatre) -> None:
    stage.play(_with_problem("ollama", "not_signed_in"))
    _popup(stage).get_by_role("link", name="Sign in").click()
    assert _changed(stage) == {"wake": ["ollama"]}


def test_the_command_of_a_problem_is_copied(stage: Theatre) -> None:
    stage.context.grant_permissions(["clipboard-read", "clipboard-write"])
    stage.play(_with_problem("codex", "sign_in_expired", "cli", program="Codex", command="codex login"))
    page = _popup(stage)
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate(_CLIPBOARD) == "codex login"


def test_a_dormant_provider_is_one_line_and_no_row(stage: Theatre) -> None:
    cache = scenes.full(time.time())
    cache["entries"] = [entry for entry in cache["entries"] if entry["provider"] != "zai"]
    cache["entries"].append(snapshot.unread(Problem("zai", "no_credential", "key", variable="ZAI_API_KEY")))
    stage.play(cache)
    page = _popup(stage)
    assert page.locator("#dormant").text_content() == "Z.ai not set up"
    assert page.locator('[data-key^="zai"]').count() == 0


def test_the_first_run_offers_the_four_sign_in_pages(stage: Theatre) -> None:
    stage.play(scenes.first_run(time.time()))
    page = stage.open(POPUP)
    page.locator("#sign_ins a").nth(3).wait_for()
    links = page.locator("#sign_ins a").evaluate_all("all => all.map((one) => one.href)")
    assert links == [
        "https://claude.ai/login",
        "https://chatgpt.com/auth/login",
        "https://z.ai/",
        "https://ollama.com/signin",
    ]


def test_the_dashboard_opens_only_once_the_host_says_that_it_answers(stage: Theatre) -> None:
    page = _popup(stage, stage.context.new_page())  # it closes itself when the dashboard opens
    page.locator("#dashboard").click()
    stage.awaits("serve")
    assert len(stage.context.pages) == 2
    with stage.context.expect_page():
        stage.cue({"type": "served", "url": "http://localhost:1/"})


def test_a_dashboard_that_cannot_be_started_is_said_and_no_tab_opens(stage: Theatre) -> None:
    page = _popup(stage)
    page.locator("#dashboard").click()
    stage.awaits("serve")
    stage.cue({"type": "served", "error": "no"})
    page.get_by_text("The dashboard could not be started.").wait_for()
    assert len(stage.context.pages) == 1


def test_tell_me_sets_one_alarm_at_the_reset_and_asks_nobody(stage: Theatre) -> None:
    page = _popup(stage)
    # The browser's own question cannot be answered without a screen: the answer is given beforehand.
    page.evaluate("chrome.permissions.request = async () => true")
    page.get_by_role("button", name="Tell me when Claude Week Fable is back").click()
    page.locator('.bell[aria-pressed="true"]').wait_for()
    [alarm] = page.evaluate("chrome.alarms.getAll().then((all) => all.filter(({ name }) => name.startsWith('remind:')))")
    windows = stage.state()["snapshot"]["entries"][0]["windows"]
    reset = next(parse_iso(window["resets_at"]) for window in windows if window["scope"] == "Fable")
    assert (alarm["name"], alarm["scheduledTime"]) == ("remind:Claude Week Fable", (reset or 0) * 1000)
    assert len(stage.heard("refresh")) == 1
    page.locator(".bell").first.click()
    page.locator('.bell[aria-pressed="false"]').wait_for()


def test_without_the_permission_no_alarm_stays(stage: Theatre) -> None:
    page = _popup(stage)
    page.evaluate("chrome.permissions.request = async () => false")
    page.locator(".bell").first.click()
    waiting = "chrome.alarms.getAll().then((all) => all.some(({ name }) => name.startsWith('remind:')))"
    processes.until(lambda: not page.evaluate(waiting), "the alarm is gone")
    assert page.locator('.bell[aria-pressed="true"]').count() == 0


# -- options


def test_switching_a_provider_off_is_told_to_the_host(stage: Theatre) -> None:
    page = _options(stage)
    page.get_by_label("Mode of Z.ai").select_option("off")
    assert _changed(stage) == {"providers": {"zai": "off"}}
    page.get_by_text("Saved").wait_for()


def test_an_arrow_moves_a_provider_and_keeps_the_focus_on_it(stage: Theatre) -> None:
    page = _options(stage)
    page.get_by_role("button", name="Move Codex up").click()
    assert _changed(stage) == {"order": ["codex", "claude", "zai", "ollama"]}
    page.get_by_role("button", name="Move Claude up").and_(page.locator(":enabled")).wait_for()
    assert page.evaluate("document.activeElement.closest('li')?.textContent.includes('Codex') ?? false") is True


def test_a_row_is_dragged_to_its_new_place(stage: Theatre) -> None:
    page = _options(stage)
    rows = page.locator("#providers > li")
    rows.nth(3).locator(".handle").drag_to(rows.nth(1))
    assert _changed(stage) == {"order": ["claude", "ollama", "codex", "zai"]}


def test_the_order_of_the_options_is_the_order_of_the_popup(stage: Theatre) -> None:
    stage.play(scenes.full(time.time()), order=["ollama", "zai", "codex", "claude"])
    page = _popup(stage)
    assert page.locator("#gauges h2").all_text_contents() == ["Ollama", "Z.ai", "Codex", "Claude"]


def test_an_account_gets_its_name(stage: Theatre) -> None:
    page = _options(stage)
    field = page.get_by_label("Your name for Claude account")
    field.fill("work")
    field.press("Enter")
    assert list(_changed(stage)["names"].values()) == ["work"]


def test_an_organisation_that_is_no_uuid_is_not_sent(stage: Theatre) -> None:
    page = _options(stage)
    field = page.get_by_label("Claude organisation")
    field.fill("acme")
    field.press("Enter")
    page.get_by_text("That is not a UUID.").wait_for()
    field.fill("11111111-2222-4333-8444-555555555555")
    field.press("Enter")
    assert _changed(stage) == {"claude_organization": "11111111-2222-4333-8444-555555555555"}


def test_a_fallback_key_goes_to_the_host_and_leaves_the_page(stage: Theatre) -> None:
    page = _options(stage)
    page.get_by_label("Z.ai API key").fill("id.secret")
    page.get_by_role("button", name="Save").click()
    assert stage.awaits("secret") == {"type": "secret", "name": "ZAI_API_KEY", "value": "id.secret"}
    assert page.get_by_label("Z.ai API key").input_value() == ""


def test_recheck_asks_the_host_and_says_the_outcome(stage: Theatre) -> None:
    page = _options(stage)
    stage.awaits("get")
    page.get_by_role("button", name="Recheck").click()
    stage.awaits("get", 2)
    stage.cue(scenes.welcome(scenes.full(time.time())))
    page.locator("#said", has_text="Connected").wait_for()


def test_check_now_asks_one_provider(stage: Theatre) -> None:
    page = _options(stage)
    page.locator("#check_codex").click()
    heard = stage.awaits("refresh")
    assert (heard["trigger"], heard["providers"]) == ("options", ["codex"])


def test_the_commands_for_agents_are_copied_with_the_address_that_answers(stage: Theatre) -> None:
    stage.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = _options(stage)
    stage.cue({**scenes.welcome(scenes.full(time.time())), "shim": {"running": True, "url": "http://localhost:4040/"}})
    page.get_by_role("button", name="Copy: curl http://localhost:4040/api/usage").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate(_CLIPBOARD) == "curl http://localhost:4040/api/usage"


def test_the_command_that_starts_the_dashboard_is_copied(stage: Theatre) -> None:
    stage.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = _options(stage)
    page.get_by_role("button", name="Copy: aimo serve").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate(_CLIPBOARD) == "aimo serve"


def test_a_dashboard_that_runs_can_be_stopped(stage: Theatre) -> None:
    page = _options(stage)
    stop = page.get_by_role("button", name="Stop")
    assert stop.is_disabled()
    stage.cue({**scenes.welcome(scenes.full(time.time())), "shim": {"running": True, "url": "http://localhost:4040/"}})
    stop.click()
    assert stage.awaits("serve") == {"type": "serve", "stop": True}


def test_each_provider_s_usage_page_is_linked(stage: Theatre) -> None:
    page = _options(stage)
    links = page.get_by_role("link", name="Usage page").evaluate_all("all => all.map((one) => one.hostname)")
    assert links == ["claude.ai", "chatgpt.com", "z.ai", "ollama.com"]


def test_another_language_is_spoken_at_once(stage: Theatre) -> None:
    page = _options(stage)
    page.get_by_label("Language").select_option("ja")
    page.get_by_role("heading", name="aimoの設定").wait_for()
    assert _changed(stage) == {"language": "ja"}


# -- badge


def _badge(stage: Theatre) -> str:
    text: str = chromium.worker(stage.context).evaluate("chrome.action.getBadgeText({})")
    return text


def _filled(*used: float) -> scenes.Cache:
    """Every provider with one binding window, so full."""
    cache = scenes.full(time.time())
    for entry, pct in zip(cache["entries"], used, strict=True):
        window = next(window for window in entry["windows"] if window["binding"])
        entry["windows"] = [{**window, "used_pct": pct}]
    return cache


_BADGES = {
    "below 80 it is blank": ((10, 79.9, 0, 40), ""),
    "the tightest window that is not full": ((10, 86.4, 81, 100), "86"),
    "a full one alone says nothing while others are free": ((100, 10, 10, 10), ""),
    "nobody is left": ((100, 100, 104, 100), "!"),
}


@pytest.mark.parametrize(("used", "text"), _BADGES.values(), ids=_BADGES)
def test_the_badge(stage: Theatre, used: tuple[float, ...], text: str) -> None:
    stage.play(_filled(*used))
    processes.until(lambda: _badge(stage) == text, f"the badge says {text!r}")


def test_the_badge_is_off_when_the_person_says_so(stage: Theatre) -> None:
    stage.play(_filled(10, 86, 10, 10))
    processes.until(lambda: _badge(stage) == "86", "the badge says 86")
    stage.play(_filled(10, 86, 10, 10), badge=False)
    processes.until(lambda: _badge(stage) == "", "the badge is blank")


def test_an_old_reading_is_not_on_the_badge(stage: Theatre) -> None:
    cache = _filled(10, 86, 10, 10)
    for entry in cache["entries"]:
        entry["observed_at"] = iso(time.time() - 3700)
    stage.play(cache)
    processes.until(lambda: _badge(stage) == "", "the badge is blank")
