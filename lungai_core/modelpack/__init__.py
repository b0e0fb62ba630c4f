"""A model as a released item: ONNX file, contract, card, hashes."""
