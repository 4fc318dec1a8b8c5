"""A deployed endpoint as a second engine: settings, calls, and its part of the page."""
