"""Z.ai with the key that the person keeps in Bitwarden: asked only where there is no other credential.

The vault's program is slow and prompts if it may, so it is called without a terminal, with a deadline, and after a failure not
again for a day (`routes.RULES`). A key that was found stays in memory for ten minutes. Nothing it prints is logged or shown.
"""

from __future__ import annotations

import json
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
_SECONDS = 9.0
_KEPT_SECONDS = 600.0

_kept: dict[str, tuple[float, str]] = {}
_keeping = threading.Lock()


def read(context: Context) -> Outcome:
    """The quota by the vault's key; None where there is a plain key, no `bw`, or the item's name was emptied."""
    item = secrets.get(context.paths, context.environ, "AIMO_BITWARDEN_ITEM")
    item = _DEFAULT_ITEM if item is None else item.strip()
    program = shutil.which("bw", path=context.environ.get("PATH"))
    if not item or item.startswith("-") or program is None or zai_api_key.key(context) is not None:
        return None
    with _keeping:
        until, key = _kept.get(item, (0.0, ""))
    if until <= context.clock():
        found = _ask(program, item, context)
        if isinstance(found, Problem):
            return found
        key = found
        with _keeping:
            _kept[item] = (context.clock() + _KEPT_SECONDS, key)
    outcome = zai_api_key.read_with(context, key)
    if isinstance(outcome, Problem) and outcome.code == "bad_credential":
        with _keeping:
            _kept.pop(item, None)
    return outcome


def _ask(program: str, item: str, context: Context) -> str | Problem:
    """The item's password. `--response` makes both outcomes JSON, which says more than matching a text would."""
    command = [program, "get", "password", item, "--nointeraction", "--response"]
    try:
        output = children.run(command, context.environ, seconds=_SECONDS, keep=("BW_SESSION", "BITWARDENCLI_APPDATA_DIR"))
    except subprocess.TimeoutExpired:
        return Problem("zai", "no_credential", "vault_slow")
    except OSError:
        return Problem("zai", "no_credential", "vault_failed")
    try:
        answer = json.loads(output)
        succeeded, message = answer["success"], str(answer.get("message", ""))
        key = str(answer["data"]["data"]).strip() if succeeded else ""
    except (ValueError, KeyError, TypeError):
        return Problem("zai", "no_credential", "vault_failed")
    if secrets.is_plain(key):
        return key
    return _problem(message, item, has_session=bool(context.environ.get("BW_SESSION")))


def _problem(message: str, item: str, *, has_session: bool) -> Problem:
    said = message.lower()
    if "locked" in said:
        return Problem("zai", "no_credential", "vault_locked" if has_session else "vault_no_session", command="bw unlock")
    if "not logged in" in said:
        return Problem("zai", "no_credential", "vault_logged_out", command="bw login")
    if "more than one" in said:
        return Problem("zai", "no_credential", "vault_ambiguous", item=item)
    if "not found" in said or "no password" in said or not message:
        return Problem("zai", "no_credential", "vault_no_item", item=item)
    return Problem("zai", "no_credential", "vault_failed")
