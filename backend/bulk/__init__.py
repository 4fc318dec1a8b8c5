"""Many images from one place to another, resumable."""
