"""Jobs, the runs that carry them out, and what came of them."""
