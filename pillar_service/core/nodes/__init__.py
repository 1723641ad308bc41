"""Nodes: how one comes in, is found, told, heard of, made another version, and lost."""
