"""Events: how nodes send them, what is made of them, where they are forwarded to."""
