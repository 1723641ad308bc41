"""Jobs, the runs that carry them out, and their outcomes."""
