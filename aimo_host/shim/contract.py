"""What is promised over HTTP: the OpenAPI document beside this file, and the tags that tell one answer from another.

The document is data and is served as it lies there. A tag is made of the bytes that are sent and of nothing else, so two answers
with the same tag are the same.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: Bytes of a digest. Nobody forges an answer to themselves: it has to be long enough against chance only.
_TAG_BYTES = 16


def document() -> dict[str, Any]:
    """The OpenAPI document; the JSON Schema of an entry is in it, under `components.schemas.Entry`."""
    with open(os.path.join(os.path.dirname(__file__), "openapi.json"), encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found


def body_of(value: object) -> bytes:
    """An answer as it is sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def tag_of(body: bytes) -> str:
    """A strong entity tag, in its quotes."""
    from hashlib import blake2b

    return f'"{blake2b(body, digest_size=_TAG_BYTES).hexdigest()}"'


def is_known(tag: str, if_none_match: Sequence[str]) -> bool:
    """Whether the client has it already, by its lines of If-None-Match (RFC 9110 §13.1.2: weak tags count, `*` is any)."""
    given = [one.strip() for one in ",".join(if_none_match).split(",")]
    return given == ["*"] or tag in {one.removeprefix("W/") for one in given}
