"""Commands of the catalogue: who may ask for them, what they wait for, where they run, and how they end (issue 4)."""
