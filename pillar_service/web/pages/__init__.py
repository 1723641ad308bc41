"""The public app's pages: one noun, one file; each view calls one use case."""
