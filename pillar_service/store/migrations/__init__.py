"""The schema, step by step; each file is applied once, in the order of the numbers."""
