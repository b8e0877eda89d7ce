"""The domain: windows, readings, entries, snapshots. Pure, standard library only: no clock, no file, no network."""
