"""Running other programs to their end."""
