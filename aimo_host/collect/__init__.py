"""A refresh: which routes are tried, in which order, and how what they learn gets into the cache.

`feed.py` makes one attempt of one feed (the lock, the ten seconds, the back-off, the merge). `conductor.py` decides what has to
be tried for a request and when it is settled. Every process that refreshes (host, command line) goes through these two.
`asking.py` is how a command asks and waits.
"""
