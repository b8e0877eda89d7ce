"""A real browser takes the simulator for the real sites: what an extension's worker may carry there, and what it may not."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.browser import chromium as browser
from tests.simulator import canaries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext

    from tests.simulator.simulator import Simulator

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def context(simulator: Simulator, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser with an extension of one empty file and the host permissions of ours, after a visit to two sites."""
    manifest = {
        "manifest_version": 3,
        "name": "probe",
        "version": "1",
        "background": {"service_worker": "worker.js"},
        "host_permissions": ["https://claude.ai/*", "https://ollama.com/*"],
    }
    folder = tmp_path_factory.mktemp("probe")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "worker.js").write_text("")
    simulator.demand_clearance("ollama")
    profile = str(tmp_path_factory.mktemp("profile"))
    options = browser.arguments(str(folder), simulator.resolver_rules)
    with browser.watched(chromium, profile, os.environ, options) as running:
        for site in ("https://claude.ai/", "https://ollama.com/"):
            running.pages[0].goto(site)
        yield running


def _fetch(url: str) -> str:
    return f"fetch('{url}', {{credentials: 'include', redirect: 'manual'}}).then((answer) => answer.status, () => null)"


def test_a_worker_carries_the_session(simulator: Simulator, context: BrowserContext) -> None:
    assert browser.worker(context).evaluate(_fetch("https://claude.ai/api/organizations")) == 200
    [seen] = simulator.seen(path="/api/organizations")
    assert seen.headers["cookie"] == f"sessionKey={canaries.CLAUDE_SESSION}"


def test_a_worker_carries_no_partitioned_cookie(simulator: Simulator, context: BrowserContext) -> None:
    assert browser.worker(context).evaluate(_fetch("https://ollama.com/settings")) == 403
    [seen] = simulator.seen(path="/settings")
    assert seen.headers["cookie"] == f"__Secure-session={canaries.OLLAMA_SESSION}"


def test_a_page_of_the_site_carries_the_partitioned_cookie_too(context: BrowserContext) -> None:
    [page] = [page for page in context.pages if page.url == "https://ollama.com/"]
    assert page.evaluate(_fetch("https://ollama.com/settings")) == 200


def test_the_browser_cannot_reach_the_real_network(context: BrowserContext) -> None:
    assert browser.worker(context).evaluate(_fetch("https://example.com/")) is None
