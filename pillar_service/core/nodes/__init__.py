"""Nodes: how a machine becomes one; how nodes are found, told what to do, heard from, upgraded, and lost."""
