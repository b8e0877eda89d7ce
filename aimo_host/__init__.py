"""aimo: a fuel gauge for AI subscriptions. See README.md; the rooms are drawn in CONTRIBUTING.md."""

__version__ = "0.1.0"
