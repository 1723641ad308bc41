"""Jobs: what one may be, its life, what came of it, and what of it may be read."""
