"""The catalogue as it was read, challenges, aliases, command tokens."""
