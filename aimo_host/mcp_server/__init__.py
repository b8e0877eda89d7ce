"""`aimo mcp`: the gauge for agents that speak the Model Context Protocol, on stdin and stdout and nowhere else.

`serve` speaks the protocol by the official SDK (the extra `mcp`), `tools` answers, `shapes` says what goes in and out.
"""
