"""The recipe that makes this project's networks: pictures in, ONNX file and manifest entry out."""
