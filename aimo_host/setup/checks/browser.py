"""Whether browsers can find and start our host, and whether the extension is there and was seen.

A profile is counted, never named: its identifier is nobody's business.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Any

from aimo_host import __version__
from aimo_host.routes import browser as browser_route
from aimo_host.setup import browsers, plan, receipt
from aimo_host.setup.checks import NOTE, OK, PROBLEM, Finding, local, note, ok, problem, quoted
from aimo_host.state import atomic, attempts, identity, paths, presence

if TYPE_CHECKING:
    from aimo_host.setup.checks import Case
    from aimo_host.setup.system import System

_MOST_PROFILES = 5
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,30}")
_ABSENT = "is not registered"


def registrations(case: Case) -> list[Finding]:
    """Every browser that is there, or that `aimo install --user-data-dir` named: can it start our host?"""
    system = case.system
    found = [browser for browser in browsers.known(system) if browser.present]
    found += _by_user_data_dir(system)
    objections = {browser: _objection(system, browser) for browser in found}
    works = None in objections.values()
    findings = [_finding(case, browser, objection, works=works) for browser, objection in objections.items()]
    if not found:
        findings.append(note("No browser that aimo knows was found.", "`aimo install --browser NAME` names one."))
    for remark in browsers.remarks(system):
        text, _, remedy = remark.partition(": ")
        findings.append(Finding(NOTE if found else PROBLEM, f"{text}.", remedy))
    return findings


def _by_user_data_dir(system: System) -> list[browsers.Browser]:
    usual = {place for browser in browsers.known(system) for place in browser.places}
    noted = [place for place in receipt.read(system).places if place.endswith(f"{paths.HOST_NAME}.json") and place not in usual]
    folders = [os.path.dirname(os.path.dirname(place)) for place in noted]
    return [browsers.with_user_data_dir(system, folder) for folder in folders if system.platform != "win32"]


def _finding(case: Case, browser: browsers.Browser, objection: str | None, *, works: bool) -> Finding:
    if objection is None:
        return ok(f"{browser.label} is registered.")
    named = f" --browser {browser.name}" if os.sep not in browser.name else f" --user-data-dir {quoted(case, browser.name)}"
    remedy = f"Run `aimo install{named}`."
    if objection != _ABSENT and case.system.platform != "win32":
        remedy = f"Remove {paths.HOST_NAME}.json in {os.path.dirname(browser.places[0])}, then run `aimo install{named}`."
    # Who uses one browser need not register the others that happen to be there.
    return Finding(NOTE if works and objection == _ABSENT else PROBLEM, f"{browser.label} {objection}.", remedy)


def _objection(system: System, browser: browsers.Browser) -> str | None:
    """Why this browser cannot start our host; None if it can."""
    found = [objection for place in browser.places if (objection := _objection_at(system, place)) is not None]
    return next(iter(found), None)


def _objection_at(system: System, place: str) -> str | None:
    path = system.registry.get(place) if system.platform == "win32" else place
    try:
        body = None if path is None else atomic.read(path, follow=True)
        manifest: Any = None if body is None else json.loads(body)
    except (OSError, ValueError, RecursionError):
        return "has a host manifest that cannot be read"
    if body is None:
        return _ABSENT
    if not isinstance(manifest, dict) or manifest.get("path") != system.paths.launcher:
        return "is registered for another program, or for an aimo in another folder"
    if not os.access(system.paths.launcher, os.X_OK):
        return "is registered for a launcher that is not there"
    if manifest.get("name") != paths.HOST_NAME or identity.ORIGIN not in (manifest.get("allowed_origins") or ()):
        return "has a host manifest that does not let the aimo extension in"
    return None


def extension(case: Case) -> list[Finding]:
    """The extension as it lies where browsers load it from."""
    folder = case.system.paths.extension
    manifest = _manifest_in(folder)
    version = str(manifest.get("version"))
    if not manifest:
        return [problem(f"The extension is not laid out in {folder}.", "Run `aimo install`.")]
    if not _VERSION.fullmatch(version) or not _is_ours(manifest.get("key")):
        text = "The extension's manifest is damaged: browsers would give it another id, and the host would refuse it."
        return [problem(text, "Run `aimo install`, then reload the extension.")]
    if _differs(folder):
        text = f"The extension laid out ({version}) is not the one that belongs to aimo {__version__}."
        return [problem(text, "Run `aimo install`, then reload the extension.")]
    return [ok(f"Extension {version} lies in {folder}.")]


def _manifest_in(folder: str) -> dict[str, Any]:
    try:
        found = json.loads(atomic.read(os.path.join(folder, "manifest.json")) or b"{}")
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_ours(key: object) -> bool:
    """Whether browsers derive our extension's id from the key of its manifest."""
    try:
        digest = hashlib.sha256(base64.b64decode(str(key), validate=True)).hexdigest()
    except ValueError:
        return False
    return "".join(chr(ord("a") + int(digit, 16)) for digit in digest[: len(identity.EXTENSION_ID)]) == identity.EXTENSION_ID


def _differs(folder: str) -> bool:
    try:
        return any(atomic.read(os.path.join(folder, name)) != content for name, content in plan.extension_files().items())
    except OSError:
        return True


def profiles(case: Case) -> list[Finding]:
    """The browser profiles whose host is here now, and when the others were last asked."""
    where = case.system.paths
    here = {str(facts["profile"]): facts for facts in presence.present(where.presence_dir) if _is_host(facts)}
    seen = _asked(case)
    on_disk = str(_manifest_in(where.extension).get("version"))
    names = sorted(here.keys() | seen.keys(), key=lambda name: (name not in here, -seen.get(name, 0.0)))
    findings = [
        _profile(f"Browser profile {number}", here.get(name), seen.get(name, 0.0), on_disk)
        for number, name in enumerate(names[:_MOST_PROFILES], start=1)
    ]
    if len(names) > _MOST_PROFILES:
        findings.append(Finding(OK, f"{len(names) - _MOST_PROFILES} more profiles were here before."))
    if not names and any(browser.present for browser in browsers.known(case.system)):
        remedy = f"In chrome://extensions: Developer mode on, Load unpacked, {where.extension}"
        return [problem("No browser profile with the extension was ever here.", remedy)]
    return findings or [note("No browser profile with the extension was ever here.")]


def _is_host(facts: dict[str, Any]) -> bool:
    return facts.get("kind") == "host" and bool(facts.get("profile"))


def _asked(case: Case) -> dict[str, float]:
    """When each profile was last really asked for something."""
    newest: dict[str, float] = {}
    for feed, attempt in attempts.read(case.system.paths, case.now).items():
        _, route, profile = [*feed.split("/", 2), "", ""][:3]
        if route == browser_route.NAME and profile and attempt.asked:
            newest[profile] = max(attempt.asked, newest.get(profile, 0.0))
    return newest


def _profile(name: str, facts: dict[str, Any] | None, asked: float, on_disk: str) -> Finding:
    """One profile: is it open, when was it asked, and do its host and its extension fit what is installed?"""
    last = f"last asked {local(asked)}" if asked else "not asked yet"
    if facts is None:
        return ok(f"{name}: closed, {last}.")
    host, extension = _named(facts.get("version")), _named(facts.get("extension", on_disk))
    if host != __version__:
        text = f"{name}: open, {last}, but with host {host}, and this is {__version__}."
        return note(text, "Close and open that browser, if this lasts longer than a minute.")
    if extension != _named(on_disk):
        text = f"{name}: open, {last}, but with extension {extension}, and {_named(on_disk)} is laid out."
        return note(text, "Reload the extension in chrome://extensions, if this lasts longer than a minute.")
    return ok(f"{name}: open, {last}.")


def _named(version: object) -> str:
    """A version as it may be printed."""
    return version if isinstance(version, str) and _VERSION.fullmatch(version) else "another version"
