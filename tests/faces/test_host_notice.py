"""A host that is not installed, ends at once or speaks another protocol: faces say which, what to run, and recover by themselves.

Faces are looked at under Playwright. A worker that no debugger keeps alive is in `test_host_away`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.faces import scenes
from tests.faces.axe import violations
from tests.faces.theatre import OPTIONS, POPUP, Theatre, theatre

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

#: What the host does -> what the face says, and the command that helps.
_AWAY: dict[str, tuple[dict[str, Any] | None, str, str]] = {
    "not installed": (None, "The aimo host is not installed.", "python3 install.py"),
    "crashed": ({"exit": 1}, "The aimo host stops right after it starts.", "aimo install"),
    "too old": ({"welcome": {"type": "welcome", "protocol": 0}}, "do not fit together", "python3 install.py"),
}


@pytest.fixture(scope="module")
def away(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    with theatre(str(tmp_path_factory.mktemp("l")), chromium, is_installed=False) as ours:
        yield ours


@pytest.mark.parametrize(("scene", "sentence", "command"), _AWAY.values(), ids=_AWAY)
def test_a_face_says_what_is_wrong_with_the_host_what_to_run_and_recovers(
    away: Theatre, scene: dict[str, Any] | None, sentence: str, command: str
) -> None:
    away.replace(scene)
    options, popup = away.open(OPTIONS, 760, 900, page=away.context.new_page()), away.open(POPUP)
    for page, notice in ((options, "#notice"), (popup, "#host")):
        page.locator(notice, has_text=sentence).wait_for()
        page.locator(notice).get_by_role("button", name=f"Copy: {command}").wait_for()
        assert violations(page) == []
    away.replace({"welcome": scenes.welcome(scenes.full(time.time()))})
    popup.locator("#gauges > section").first.wait_for()
    options.get_by_text("Connected, version").wait_for()
    assert popup.locator("#host").is_hidden()
    away.clear()
