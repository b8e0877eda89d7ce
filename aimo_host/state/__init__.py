"""Files and processes: where everything lies, and how several processes share it without stepping on each other."""
