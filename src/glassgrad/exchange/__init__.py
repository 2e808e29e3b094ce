"""To and from other libraries: ONNX, PyTorch, scikit-learn."""

from glassgrad.exchange.onnx import to_onnx
from glassgrad.exchange.torch import from_torch_state_dict, to_torch_state_dict

__all__ = ["from_torch_state_dict", "to_onnx", "to_torch_state_dict"]
