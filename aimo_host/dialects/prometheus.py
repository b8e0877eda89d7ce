"""Prometheus: the snapshot as text format 0.0.4, written by the official client library (the extra `prometheus`).

What is unknown has no sample: an alert can ask for `absent()`, and nobody takes it for 0. Accounts are our opaque names; names
that people gave are not labels, since they may be e-mail addresses.
"""

from __future__ import annotations

from aimo_host import __version__
from aimo_host.dialects import MissingExtraError
from aimo_host.gauge.times import parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    Labels = tuple[str, ...]

#: The extra `prometheus` of pyproject.toml. Installed by itself, since no index has aimo.
LIBRARY = "prometheus-client>=0.21"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ACCOUNT = ("provider", "account")
_WINDOW = (*_ACCOUNT, "window", "scope")
_REQUEST = ("provider", "trigger", "result")
_CREDITS = (*_ACCOUNT, "kind", "unit")
_PERCENT = 100.0


def render(snapshot: dict[str, Any], _now: float) -> str:
    """The metrics. The snapshot may also carry `requests`: {(provider, trigger, status): how many were ever made}.

    Raises:
        MissingExtraError: the library is not there.
    """
    try:
        from prometheus_client import CollectorRegistry, generate_latest
    except ImportError:
        raise MissingExtraError("Prometheus' client library", LIBRARY) from None
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Metrics(snapshot["entries"], snapshot.get("requests", {})))
    return generate_latest(registry).decode()


class _Metrics:
    """What the library collects from."""

    def __init__(self, entries: list[dict[str, Any]], requests: dict[Labels, int]) -> None:
        self._entries = entries
        self._requests = requests

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Every metric, each with all its samples."""
        windows = {labels: window for entry in self._entries for labels, window in _windows(entry)}
        used = {labels: _ratio(window["used_pct"]) for labels, window in windows.items()}
        resets = {labels: parse_iso(window["resets_at"]) for labels, window in windows.items()}
        lengths = {labels: window["window_seconds"] for labels, window in windows.items()}
        up: dict[Labels, float | None] = {_account(entry): 1.0 if entry["ok"] else 0.0 for entry in self._entries}
        last = {_account(entry): parse_iso(entry["observed_at"]) for entry in self._entries}
        yield _family("aimo_limit_used_ratio", "Part of a usage window that is spent; may exceed 1.", _WINDOW, used)
        yield _family("aimo_limit_reset_timestamp_seconds", "When a usage window resets.", _WINDOW, resets)
        yield _family("aimo_limit_window_seconds", "Length of a usage window.", _WINDOW, lengths)
        yield _family("aimo_credits_remaining", "Money or credits beside the windows.", _CREDITS, _credits(self._entries))
        yield _family("aimo_provider_up", "1 if work may be sent there as far as is known.", _ACCOUNT, up)
        yield _family("aimo_provider_last_success_timestamp_seconds", "When it was last read.", _ACCOUNT, last)
        yield _requests_made(self._requests)
        yield _family("aimo_build_info", "The version that wrote this.", ("version",), {(__version__,): 1.0})


def _family(name: str, meaning: str, labels: Labels, samples: dict[Labels, float | None]) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, meaning, labels=labels)
    for values, value in samples.items():
        if value is not None:
            family.add_metric(values, value)
    return family


def _requests_made(requests: dict[Labels, int]) -> CounterMetricFamily:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily("aimo_provider_requests", "Requests made to a provider, by who asked.", labels=_REQUEST)
    for kind, made in requests.items():
        family.add_metric([_label(part) for part in kind], made)
    return family


def _account(entry: dict[str, Any]) -> Labels:
    return entry["provider"], _label(entry["account"])


def _windows(entry: dict[str, Any]) -> Iterator[tuple[Labels, dict[str, Any]]]:
    """Each window with its labels: by kind, and by its own label where two would be one."""
    kinds = [(window["kind"], window["scope"]) for window in entry["windows"]]
    for window in entry["windows"]:
        is_only = kinds.count((window["kind"], window["scope"])) == 1
        name = window["kind"] if is_only else window["label"]
        yield (*_account(entry), _label(name), _label(window["scope"])), window


def _credits(entries: list[dict[str, Any]]) -> dict[Labels, float | None]:
    return {
        (*_account(entry), _label(balance["kind"]), _label(balance["unit"])): balance["amount"]
        for entry in entries
        for balance in entry["balances"]
    }


def _ratio(used_pct: float | None) -> float | None:
    return None if used_pct is None else round(used_pct / _PERCENT, 6)


def _label(text: str | None) -> str:
    """The library escapes what the format knows; halves of characters have no bytes."""
    return (text or "").encode("utf-8", "replace").decode()
