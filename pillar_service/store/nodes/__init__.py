"""Nodes: what each is, has and may do, what it is told, and what it reports of itself."""
