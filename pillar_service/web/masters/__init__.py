"""The private app's blueprints: one noun, one file; each view calls one use case."""
