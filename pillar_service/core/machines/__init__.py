"""Machines: state machines that a node runs by itself, their files and their expressions."""
