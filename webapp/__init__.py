"""The web page: choose a picture, upscale it, compare and download the result."""
