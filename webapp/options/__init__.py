"""The visitor's choices."""
