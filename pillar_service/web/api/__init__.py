"""The public app's JSON API: one noun, one file; each view calls one use case. operations.py says who may ask what."""
