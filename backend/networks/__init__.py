"""Networks of others, brought from the package index and turned into ONNX when a user asks."""
