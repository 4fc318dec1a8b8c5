"""Decoding in a process of its own, which a hostile file can keep busy for a bounded time."""
