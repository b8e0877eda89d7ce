"""The native host: what the browser starts and talks to over stdin and stdout. It understands, merges and stores."""
