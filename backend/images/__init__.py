"""Image files to pixels and back, and what is known of a file before it is decoded."""
