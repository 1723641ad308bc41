"""The public app's JSON API: one noun, one file; each view calls one use case. What it may ask is in operations.py."""
