"""Events: how nodes tell them, what is made of them, where they are forwarded to."""
