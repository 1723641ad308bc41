"""Jobs: asked for, claimed, run, ended."""
