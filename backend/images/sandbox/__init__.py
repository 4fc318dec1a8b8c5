"""Decoding in a process of its own, which bounds the cost of a hostile file."""
