"""Quality and speed of the shipped networks, each reproducible by one command."""
