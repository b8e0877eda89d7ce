"""axe's rules on a page. Only the script of the package is used: it brings no types, and its Python is not needed."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_AXE = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """`rule: element` for everything that axe objects to."""
    if page.evaluate("!globalThis.axe"):
        page.evaluate(_AXE)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)")
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]
