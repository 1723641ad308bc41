"""Nodes: what each is, has, may, is told and tells of itself."""
