"""The domain: windows, readings, entries, snapshots. Pure and standard library only; never reads a clock, a file or the network."""
