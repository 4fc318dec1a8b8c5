"""The parts of the page that need a deployed endpoint."""
