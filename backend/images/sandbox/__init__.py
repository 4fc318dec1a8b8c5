"""Pictures decoded in a process of their own, which a hostile file can keep busy only so long."""
