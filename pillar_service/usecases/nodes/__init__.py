"""Nodes: enrol, configure, watch, drain, upgrade and lose them, and let them in again."""
