"""Commands of the catalogue: who may ask for which, what they wait for, where they run, what came of them (issue 4)."""
