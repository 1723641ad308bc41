"""Events: taken in, shown, forwarded."""
