"""The way pictures come in."""
