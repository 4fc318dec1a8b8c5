"""A deployed endpoint as a second engine: its address, calls and errors."""
