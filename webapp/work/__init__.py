"""Jobs: their queue, their work and their progress."""
