"""The ways in which pictures arrive."""
