"""Key, id, origin and host manifest name one and the same extension."""

from __future__ import annotations

import base64
import hashlib
import json
import os

from aimo_host.setup import manifest
from aimo_host.state import identity, paths


def bundled(folder: str, name: str) -> dict[str, object]:
    with open(os.path.join(paths.bundled(folder), name), encoding="utf-8") as file:
        content: dict[str, object] = json.load(file)
    return content


def test_the_id_is_the_one_browsers_derive_from_the_key() -> None:
    key = base64.b64decode(str(bundled("extension", "manifest.json")["key"]), validate=True)
    letters = "".join(chr(ord("a") + int(digit, 16)) for digit in hashlib.sha256(key).hexdigest()[:32])
    assert letters == identity.EXTENSION_ID


def test_the_host_manifest_allows_exactly_our_extension() -> None:
    made = json.loads(manifest.content("/there/aimo-host"))
    assert made == {**bundled("manifests", "host.json"), "path": "/there/aimo-host", "allowed_origins": [identity.ORIGIN]}


def test_the_origin_ends_with_a_slash_without_which_the_manifest_is_invalid() -> None:
    assert f"chrome-extension://{identity.EXTENSION_ID}/" == identity.ORIGIN


def test_the_template_carries_the_name_that_the_extension_asks_for() -> None:
    assert bundled("manifests", "host.json")["name"] == paths.HOST_NAME
