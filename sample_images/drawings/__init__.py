"""The pictures of this folder that the project draws itself."""
