"""Builds the structures of the built-in networks, ``src/graft/encoders/graphs/*.onnx``: ``make graphs``.

This is for those who change a network. Graft itself needs neither this folder nor the library onnx.
"""
