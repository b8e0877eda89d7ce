"""The HTTP shim: hands out the cache to agents, scripts and the dashboard, on loopback only. Standard library only."""
