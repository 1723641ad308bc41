"""Events: taken from nodes, shown, forwarded, forgotten."""
