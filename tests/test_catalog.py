"""Places outside the catalog that name the providers, and cannot read it, name all of them (CONTRIBUTING.md lists them)."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from aimo_host import cli
from aimo_host.dialects import statusline
from aimo_host.gauge.catalog import ORDER, PROVIDERS
from aimo_host.routes import FREE, SERVER_SIDE, client
from aimo_host.setup.checks import routes as checks
from aimo_host.state import secrets
from tests.host.peer import REPOSITORY

WITH_A_KEY = [provider for provider, row in PROVIDERS.items() if row["unread"][1] == "key"]


def read(*path: str) -> str:
    with open(os.path.join(REPOSITORY, *path), encoding="utf-8") as file:
        return file.read()


def lists(value: Any) -> list[list[str]]:
    """Every list and every pattern of a document that names several providers."""
    if isinstance(value, dict):
        return [found for one in value.values() for found in lists(one)]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return [value] if len(set(ORDER) & set(value)) > 1 else []
    if isinstance(value, list):
        return [found for one in value for found in lists(one)]
    return [value.replace("(", "|").replace(")", "|").split("|")] if str(value).startswith(f"^({ORDER[0]}|") else []


def test_the_openapi_document_names_all_providers_wherever_it_names_one() -> None:
    named = lists(json.loads(read("aimo_host", "shim", "openapi.json")))
    assert len(named) > 2
    assert [one for one in named if set(ORDER) - set(one)] == []


def test_the_status_line_has_a_field_for_every_provider() -> None:
    assert set(ORDER) <= set(statusline.FIELDS)


def test_the_client_knows_where_every_provider_may_be_asked() -> None:
    assert set(client.HOSTS) == set(ORDER)


def test_the_doctor_has_words_for_every_route() -> None:
    assert {route for table in (SERVER_SIDE, FREE) for names in table.values() for route in names} < set(checks._WAYS)


@pytest.mark.parametrize("provider", WITH_A_KEY)
def test_a_key_that_is_asked_for_can_be_stored_and_is_looked_for(provider: str) -> None:
    variable = PROVIDERS[provider]["unread"][2]["variable"]
    assert variable in secrets.STORABLE
    assert variable in checks._KEYS[provider]


def test_every_key_that_can_be_stored_is_looked_for_by_the_doctor() -> None:
    assert {names[0] for names in checks._KEYS.values()} == set(secrets.STORABLE)


def test_the_help_names_every_provider(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert [row["name"] for row in PROVIDERS.values() if row["name"] not in said] == []
