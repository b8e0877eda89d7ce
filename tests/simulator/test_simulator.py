"""The simulator keeps the promises that the other tests lean on: no sign-in, no reading; no stranger, no network."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from aimo_host.gauge.model import Answer
from aimo_host.samples import claude
from tests.simulator import canaries
from tests.simulator.simulator import SOURCES, Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

ORGANIZATION = claude.PERSONAL
USAGE = f"https://claude.ai/api/organizations/{ORGANIZATION}/usage"
QUOTA = "https://api.z.ai/api/monitor/usage/quota/limit"


@pytest.fixture
def client(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A visitor with cookies who finds the simulator as our own routes do: by the environment alone."""
    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)
    with httpx.Client() as visitor:
        yield visitor


@pytest.mark.parametrize(
    ("method", "url", "status", "words"),
    [
        ("GET", "https://claude.ai/api/organizations", 403, "account_session_invalid"),
        ("GET", USAGE, 403, "account_session_invalid"),
        ("GET", "https://api.anthropic.com/api/oauth/usage", 401, "authentication_error"),
        ("GET", "https://chatgpt.com/api/auth/session", 200, "WARNING_BANNER"),
        ("GET", "https://chatgpt.com/backend-api/wham/usage", 401, "token_expired"),
        ("GET", QUOTA, 200, '"success": false'),
        ("GET", "https://open.bigmodel.cn/api/monitor/usage/quota/limit", 200, '"success": false'),
        ("GET", "https://ollama.com/settings", 303, ""),
        ("GET", "https://ollama.com/api/balance", 401, "unauthorized"),
        ("POST", "https://ollama.com/api/me", 401, "unauthorized"),
        ("GET", "https://ollama.com/api/me", 405, "not allowed"),
    ],
)
def test_a_request_without_the_sign_in_gets_no_reading(
    client: httpx.Client, simulator: Simulator, method: str, url: str, status: int, words: str
) -> None:
    answer = client.request(method, url)
    assert (answer.status_code, simulator.requests[0].source) == (status, None)
    assert words in answer.text
    assert "accessToken" not in answer.text


@pytest.mark.parametrize(
    ("site", "url", "source"),
    [
        ("https://claude.ai/", "https://claude.ai/api/organizations", "claude.organizations"),
        ("https://claude.ai/", USAGE, "claude.usage"),
        ("https://claude.ai/", USAGE.replace("/usage", "/prepaid/credits"), "claude.prepaid_credits"),
        ("https://chatgpt.com/", "https://chatgpt.com/api/auth/session", "codex.session"),
        ("https://ollama.com/", "https://ollama.com/settings", "ollama.settings"),
    ],
)
def test_visiting_a_site_signs_in_by_cookie(client: httpx.Client, simulator: Simulator, site: str, url: str, source: str) -> None:
    client.get(site)
    assert client.get(url).status_code == 200
    assert simulator.requests[-1].source == source


def test_the_session_gives_the_token_that_the_usage_wants(client: httpx.Client, simulator: Simulator) -> None:
    client.get("https://chatgpt.com/")
    token = client.get("https://chatgpt.com/api/auth/session").json()["accessToken"]
    client.get("https://chatgpt.com/backend-api/wham/usage", headers={"authorization": f"Bearer {token}"})
    assert simulator.requests[-1].source == "codex.usage"


def test_z_ai_puts_its_token_into_local_storage_and_nowhere_else(client: httpx.Client, simulator: Simulator) -> None:
    page = client.get("https://z.ai/")
    assert f"localStorage.setItem('z-ai-open-platform-token-production', \"{simulator.zai_jwt}\")" in page.text
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize(
    ("method", "url", "headers", "source"),
    [
        ("GET", QUOTA, {"authorization": f"Bearer {canaries.ZAI_API_KEY}"}, "zai.key_quota"),
        ("GET", QUOTA, {"authorization": canaries.ZAI_API_KEY}, "zai.key_quota"),
        ("GET", QUOTA, {"authorization": f"Bearer {canaries.ZAI_CHINA_API_KEY}"}, None),
        (
            "GET",
            QUOTA.replace("api.z.ai", "open.bigmodel.cn"),
            {"authorization": canaries.ZAI_CHINA_API_KEY},
            "zai.china_key_quota",
        ),
        ("GET", "https://ollama.com/api/balance", {"authorization": f"Bearer {canaries.OLLAMA_API_KEY}"}, "ollama.balance"),
        ("GET", "https://ollama.com/api/balance?x=1", {"authorization": f"Bearer {canaries.OLLAMA_API_KEY}"}, None),
        ("POST", "https://ollama.com/api/me", {"authorization": f"Bearer {canaries.OLLAMA_API_KEY}"}, "ollama.me"),
        (
            "GET",
            "https://api.anthropic.com/api/oauth/usage",
            {"authorization": f"Bearer {canaries.CLAUDE_OAUTH_TOKEN}", "anthropic-beta": "oauth-2025-04-20"},
            "claude.oauth_usage",
        ),
    ],
)
def test_a_key_opens_its_own_source_only(
    client: httpx.Client, simulator: Simulator, method: str, url: str, headers: dict[str, str], source: str | None
) -> None:
    client.request(method, url, headers=headers)
    assert simulator.requests[-1].source == source


def test_the_token_of_the_codex_program_is_told_apart_from_the_browser_s(client: httpx.Client, simulator: Simulator) -> None:
    headers = {"authorization": f"Bearer {simulator.codex_cli_token}"}
    client.get("https://chatgpt.com/backend-api/wham/usage", headers=headers)
    assert simulator.requests[-1].source == "codex.cli_usage"


def test_an_organisation_of_another_login_is_refused(client: httpx.Client, simulator: Simulator) -> None:
    simulator.set("claude.organizations", Answer(200, json.dumps([{"uuid": claude.TEAM}])))
    client.get("https://claude.ai/")
    answer = client.get(USAGE)
    assert answer.status_code == 403
    assert "Invalid authorization for organization" in answer.text


def test_a_site_that_demands_clearance_challenges_until_it_is_visited(client: httpx.Client, simulator: Simulator) -> None:
    client.get("https://claude.ai/")
    simulator.demand_clearance("claude")
    challenged = client.get("https://claude.ai/api/organizations")
    client.get("https://claude.ai/")
    assert (challenged.status_code, challenged.headers["cf-mitigated"]) == (403, "challenge")
    assert client.get("https://claude.ai/api/organizations").status_code == 200


def test_the_clearance_cookie_is_partitioned(client: httpx.Client, simulator: Simulator) -> None:
    simulator.demand_clearance("ollama")
    cookies = client.get("https://ollama.com/").headers.get_list("set-cookie")
    assert [cookie.split("; ")[1:] for cookie in cookies if cookie.startswith("cf_clearance")] == [
        ["Path=/", "Secure", "HttpOnly", "SameSite=None", "Partitioned", "Max-Age=2592000"]
    ]


def test_a_programmed_answer_goes_out_as_it_is(client: httpx.Client, simulator: Simulator) -> None:
    simulator.set("claude.organizations", Answer(429, "half a js\udcff", {"retry-after": "60", "content-type": "text/plain"}))
    client.get("https://claude.ai/")
    answer = client.get("https://claude.ai/api/organizations")
    assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (429, b"half a js\xff", "60")


def test_a_programmed_function_is_given_the_time(client: httpx.Client, simulator: Simulator) -> None:
    simulator.set("ollama.settings", lambda now: Answer(200, f"{now}"))
    client.get("https://ollama.com/")
    assert abs(float(client.get("https://ollama.com/settings").text) - time.time()) < 5


def test_a_programmed_redirect_leads_to_the_sign_in(client: httpx.Client, simulator: Simulator) -> None:
    simulator.set("ollama.settings", Answer(redirected=True))
    client.get("https://ollama.com/")
    answer = client.get("https://ollama.com/settings")
    assert (answer.status_code, answer.headers["location"]) == (303, "/signin")


def test_a_programmed_network_failure_cuts_the_connection(client: httpx.Client, simulator: Simulator) -> None:
    simulator.set("ollama.settings", Answer(failed="network"))
    client.get("https://ollama.com/")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("https://ollama.com/settings")


def test_a_programmed_time_out_never_answers(client: httpx.Client, simulator: Simulator) -> None:
    simulator.set("ollama.settings", Answer(failed="timeout"))
    client.get("https://ollama.com/")
    with pytest.raises(httpx.ReadTimeout):
        client.get("https://ollama.com/settings", timeout=0.1)
    assert simulator.requests[-1].status == 0


def test_a_delay_holds_the_answer_back(client: httpx.Client, simulator: Simulator) -> None:
    simulator.set("ollama.settings", Answer(200, "late"), delay=0.2)
    client.get("https://ollama.com/")
    client.get("https://ollama.com/settings")
    last = simulator.requests[-1]
    assert last.answered_at is not None
    assert last.answered_at - last.at >= 0.2


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_a_healthy_answer_by_default(simulator: Simulator, source: str) -> None:
    programme, _ = simulator._programme(source)
    assert callable(programme)
    assert programme(1_795_000_000.0).status == 200


def test_an_unknown_source_cannot_be_programmed(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match=r"claude\.usages"):
        simulator.set("claude.usages", Answer(200))


def test_every_request_is_recorded(client: httpx.Client, simulator: Simulator) -> None:
    client.get("https://claude.ai/api/organizations?x=1", headers={"X-Test": "yes"})
    [seen] = simulator.requests
    assert (seen.host, seen.provider, seen.method, seen.path) == ("claude.ai", "claude", "GET", "/api/organizations?x=1")
    assert (seen.headers["x-test"], seen.status, seen.proxied) == ("yes", 403, True)


def test_clearing_forgets_the_requests_but_not_the_answers(client: httpx.Client, simulator: Simulator) -> None:
    simulator.set("ollama.settings", Answer(500))
    client.get("https://ollama.com/")
    simulator.clear()
    assert simulator.requests == []
    assert client.get("https://ollama.com/settings").status_code == 500


def test_resetting_forgets_both(client: httpx.Client, simulator: Simulator) -> None:
    simulator.set("ollama.settings", Answer(500))
    client.get("https://ollama.com/")
    simulator.reset()
    assert simulator.requests == []
    assert client.get("https://ollama.com/settings").status_code == 200


def test_waiting_ends_as_soon_as_the_request_is_answered(client: httpx.Client, simulator: Simulator) -> None:
    client.get("https://ollama.com/")
    asking = threading.Thread(target=client.get, args=("https://ollama.com/settings",))
    asking.start()
    [seen] = simulator.wait_for(source="ollama.settings")
    asking.join()
    assert seen.status == 200


def test_waiting_in_vain_tells_what_was_seen(client: httpx.Client, simulator: Simulator) -> None:
    client.get("https://ollama.com/signin")
    with pytest.raises(AssertionError, match="/signin"):
        simulator.wait_for(source="ollama.settings", within=0.01)


@pytest.mark.parametrize("url", ["https://example.com/", "https://claude.ai:8443/", "http://claude.ai/"])
def test_the_proxy_refuses_and_records_strangers(simulator: Simulator, url: str) -> None:
    proxy = simulator.environment()["HTTPS_PROXY"]
    with httpx.Client(proxy=proxy) as client:
        try:
            assert client.get(url).status_code == 403
        except httpx.ProxyError as error:
            assert "403" in str(error)  # noqa: PT017 - https is refused at CONNECT, http by an answer
    assert [tunnel.allowed for tunnel in simulator.tunnels] == [False]
    assert simulator.requests == []


def test_the_certificate_is_trusted_by_nobody_else(simulator: Simulator) -> None:
    with (
        httpx.Client(proxy=simulator.environment()["HTTPS_PROXY"]) as client,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE"),
    ):
        client.get("https://claude.ai/")


def test_a_host_that_is_not_simulated_gets_nothing_even_inside_a_tunnel(client: httpx.Client) -> None:
    assert client.get("https://claude.ai/", headers={"host": "example.com"}).status_code == 421


def test_chromium_finds_our_hosts_here_and_no_other_name_anywhere(simulator: Simulator) -> None:
    rules = simulator.resolver_rules.split(", ")
    assert rules[0].startswith("MAP claude.ai:443 127.0.0.1:")
    assert rules[-3:] == ["MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1", "EXCLUDE localhost"]


def test_it_stops_at_once_while_connections_hang() -> None:
    with Simulator() as simulator:
        simulator.set("zai.quota", Answer(failed="timeout"))
        hanging = threading.Thread(target=_ask_quota, args=(simulator,))
        hanging.start()
        while not simulator.seen(source="zai.quota"):
            time.sleep(0.005)
        before = time.monotonic()
    assert time.monotonic() - before < 2
    hanging.join(2)
    assert not hanging.is_alive()


def _ask_quota(simulator: Simulator) -> None:
    with httpx.Client(proxy=simulator.environment()["HTTPS_PROXY"], verify=False) as client, pytest.raises(httpx.HTTPError):
        client.get(QUOTA, headers={"authorization": f"Bearer {simulator.zai_jwt}"}, timeout=30)
