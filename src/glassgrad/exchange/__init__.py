"""To and from other libraries: ONNX, PyTorch, scikit-learn."""

from glassgrad.exchange.onnx import to_onnx

__all__ = ["to_onnx"]
