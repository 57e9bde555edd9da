"""Reading ONNX files: their operators become the steps of a network."""
