"""Networks at work: sessions, tiles, queues and the engine of this process."""
