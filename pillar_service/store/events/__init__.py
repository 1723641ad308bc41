"""Events, how far they came, and where they go on to."""
