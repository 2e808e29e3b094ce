"""To and from other libraries: ONNX, PyTorch, scikit-learn."""

from glassgrad.exchange.onnx import to_onnx
from glassgrad.exchange.pytorch import from_torch_state_dict, to_torch_state_dict
from glassgrad.exchange.sklearn import from_sklearn

__all__ = ["from_sklearn", "from_torch_state_dict", "to_onnx", "to_torch_state_dict"]
