"""Jobs: what a job may be, its life, its outcome, and what of it may be read."""
