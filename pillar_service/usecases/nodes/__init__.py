"""Nodes: they come in, are told, heard of, drained, made another version, lost and let in again."""
