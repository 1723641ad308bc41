"""The catalogue as last read, challenges, aliases and command tokens."""
