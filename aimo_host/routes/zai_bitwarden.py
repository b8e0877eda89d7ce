"""Z.ai with the key that the person keeps in Bitwarden: asked only where there is no other credential.

The vault's program is slow and prompts if it may, so it is called without a terminal, with a deadline, and after a failure not
again for a day (`routes.REST_AFTER_FAILURE`). A key that was found stays in memory for ten minutes. Nothing it prints is logged
or shown.
"""

from __future__ import annotations

import shutil
import subprocess
import threading

from aimo_host.gauge.problems import Problem
from aimo_host.routes import children, zai_api_key
from aimo_host.state import secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aimo_host.routes import Context, Outcome

_DEFAULT_ITEM = "zai-api-key"
#: Leaves time for the question that the key is for.
_SECONDS = 8.0
_KEPT_SECONDS = 600.0
#: How a line of its complaint begins -> what that means. Other lines are warnings of the machine that it runs on.
_COMPLAINTS = {
    "vault is locked": "vault_locked",
    "you are not logged in": "vault_logged_out",
    "more than one result": "vault_ambiguous",
    "not found": "vault_no_item",
    "no password available": "vault_no_item",
}

#: Item -> when its key was found, and the key.
_kept: dict[str, tuple[float, str]] = {}
_keeping = threading.Lock()


def read(context: Context) -> Outcome:
    """The quota by the vault's key; None where there is a plain key, no `bw`, or the item's name was emptied."""
    chosen = secrets.get(context.paths, context.environ, "AIMO_BITWARDEN_ITEM")
    item = _DEFAULT_ITEM if chosen is None else chosen.strip()
    if not item or item.startswith("-") or zai_api_key.key(context) is not None:
        return None
    program = shutil.which("bw", path=context.environ.get("PATH", ""))
    if program is None:
        # Only who names an item counts on Bitwarden; nobody else is told about it.
        return None if chosen is None else Problem("zai", "no_credential", "vault_missing")
    kept = _recall(item, context.clock())
    outcome = None if kept is None else _read_with(context, item, kept)
    if kept is not None and not _is_rejected(outcome):
        return outcome
    found = _ask(program, item, context)  # a key that was rejected may have been replaced in the vault
    if isinstance(found, Problem):
        return found
    return outcome if found == kept else _read_with(context, item, found)


def _read_with(context: Context, item: str, key: str) -> Outcome:
    """The quota by this key, which is kept unless it is rejected."""
    found_at = context.clock()
    outcome = zai_api_key.read_with(context, key)
    with _keeping:
        if _is_rejected(outcome):
            _kept.pop(item, None)
        elif _kept.get(item, (0.0, ""))[1] != key:
            _kept[item] = (found_at, key)
    return outcome


def _recall(item: str, now: float) -> str | None:
    with _keeping:
        found_at, key = _kept.get(item, (0.0, ""))
        if key and 0 <= now - found_at < _KEPT_SECONDS:
            return key
        _kept.pop(item, None)
        return None


def _is_rejected(outcome: Outcome) -> bool:
    return isinstance(outcome, Problem) and outcome.code == "bad_credential"


def _ask(program: str, item: str, context: Context) -> str | Problem:
    """The item's password."""
    command = [program, "get", "password", item, "--nointeraction"]
    try:
        done = children.run(command, context.environ, seconds=_SECONDS, keep=("BW_SESSION", "BITWARDENCLI_APPDATA_DIR"))
    except subprocess.TimeoutExpired:
        return Problem("zai", "no_credential", "vault_slow")
    except OSError:
        return Problem("zai", "no_credential", "vault_failed")
    key = done.output.decode("utf-8", errors="replace").strip()
    if done.code == 0 and secrets.is_plain(key) and " " not in key:
        return key
    variant = _meant(done.complaint.decode("utf-8", errors="replace"))
    match variant:
        case "vault_locked":
            has_session = bool(context.environ.get("BW_SESSION"))
            return Problem("zai", "no_credential", variant if has_session else "vault_no_session", command="bw unlock")
        case "vault_logged_out":
            return Problem("zai", "no_credential", variant, command="bw login")
        case "vault_failed":
            return Problem("zai", "no_credential", variant)
    return Problem("zai", "no_credential", variant, item=item)


def _meant(complaint: str) -> str:
    lines = [line.strip().lower() for line in complaint.splitlines()]
    meant = (variant for beginning, variant in _COMPLAINTS.items() for line in lines if line.startswith(beginning))
    return next(meant, "vault_failed")
