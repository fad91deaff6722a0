"""Models leave the house: one ONNX graph, the files beside it, and the proof that it answers alike."""
