"""Debian's Chromium with the extension loaded unpacked, headless, in a throw-away profile, seeing no network but the simulator.

Two ways: `watched` drives it with Playwright, to click and to look; `Unwatched` starts it as a person would, with no debugger
attached, because a debugger keeps the service worker alive and would hide exactly the faults that matter.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from tests.browser import processes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from playwright.sync_api import BrowserContext, Worker


#: Lets tabs be opened from outside. Nothing attaches to them, so nothing keeps the worker alive.
OPENABLE = "--remote-debugging-port=0"


#: Of no use here: the address bar's suggestions are a page of their own, which costs as much as the start of the browser. Of two
#: such lists the last one counts, so Playwright's is repeated.
_SPARED = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning"),
    *(
        "AvoidCorsURLLoaderRestartOnRedirect",
        "OptimizationHints",
        "NetworkTimeServiceQuerying",
        "AimEnabled",
        "PreconnectToSearch",
    ),
)


def extension_id(manifest: str) -> str:
    """The id of an unpacked extension whose manifest pins a `key`: half of the key's hash, in the letters a to p."""
    with open(manifest, encoding="utf-8") as file:
        key = base64.b64decode(json.load(file)["key"])
    digest = hashlib.sha256(key).hexdigest()[:32]
    return "".join(chr(ord("a") + int(digit, 16)) for digit in digest)


def arguments(extension: str, resolver_rules: str) -> list[str]:
    """Chromium's command line, without the profile folder and the pages."""
    return [
        "--headless=new",
        f"--load-extension={extension}",
        f"--disable-extensions-except={extension}",
        f"--host-resolver-rules={resolver_rules}",
        "--ignore-certificate-errors",
        # The host inherits HTTPS_PROXY from the browser; the browser itself finds the simulator by the rules above.
        "--no-proxy-server",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-gpu",
        "--disable-breakpad",
        f"--disable-features={','.join(_SPARED)}",
        "--password-store=basic",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]


def switch_developer_mode_on(profile: str) -> None:
    """As a person does who loads an unpacked extension. Without it, one that starts itself anew does not come back."""
    os.makedirs(os.path.join(profile, "Default"))
    with open(os.path.join(profile, "Default", "Preferences"), "w", encoding="utf-8") as file:
        json.dump({"extensions": {"ui": {"developer_mode": True}}}, file)


@contextmanager
def watched(chromium: str, profile: str, environ: Mapping[str, str], options: list[str]) -> Iterator[BrowserContext]:
    """The browser under Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium,
            headless=False,  # `options` choose the headless mode in which extensions run
            args=options,
            env=dict(environ),
            ignore_default_args=["--disable-extensions", "--disable-component-extensions-with-background-pages"],
            ignore_https_errors=True,
        )
        try:
            yield context
        finally:
            context.close()


def worker(context: BrowserContext) -> Worker:
    """The extension's service worker; waits for it to start."""
    return context.service_workers[0] if context.service_workers else context.wait_for_event("serviceworker")


class Unwatched:
    """The browser as a plain process, observed only from outside. Headless, it takes one page at its start."""

    def __init__(self, chromium: str, profile: str, environ: Mapping[str, str], options: list[str], page: str) -> None:
        self._profile = profile
        self._child = processes.start([chromium, f"--user-data-dir={profile}", *options, page], environ, f"{profile}.log")

    def open(self, page: str) -> str:
        """Opens a tab and returns its id. A browser that was started with `OPENABLE` takes this without a debugger in it."""
        tab: str = self._asked(f"new?{page}", "PUT")["id"]
        return tab

    def visit(self, page: str) -> None:
        """Opens a page that has a title, and leaves it once that is there."""
        tab = self.open(page)
        processes.until(lambda: self._title(tab) not in {"", "about:blank", page.split("://")[1]}, f"{page} is there")
        self.leave(tab)

    def leave(self, tab: str) -> None:
        """Closes a tab."""
        self._asked(f"close/{tab}")

    def _title(self, tab: str) -> str:
        [title] = [one["title"] for one in self._asked("list") if one["id"] == tab]
        return str(title)

    def _asked(self, what: str, method: str = "GET") -> Any:
        with open(os.path.join(self._profile, "DevToolsActivePort"), encoding="ascii") as file:
            port = int(file.readline())
        asking = urllib.request.Request(f"http://127.0.0.1:{port}/json/{what}", method=method)
        with urllib.request.urlopen(asking, timeout=10) as answer:
            assert answer.status == 200
            text = answer.read().decode()
        return json.loads(text) if text.startswith(("{", "[")) else text

    def close(self) -> None:
        """Ends the browser; a second time does nothing."""
        processes.end(self._child)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
