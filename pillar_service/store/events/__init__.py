"""Events, how far each stream got, and where events are forwarded to."""
