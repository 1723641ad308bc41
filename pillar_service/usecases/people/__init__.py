"""People: they sign up and in, change, share and leave; what proves that it is them, and what they may."""
