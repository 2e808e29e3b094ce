"""To and from other libraries: ONNX, PyTorch, scikit-learn."""

from glassgrad.exchange.onnx import to_onnx
from glassgrad.exchange.sklearn import from_sklearn
from glassgrad.exchange.torch import from_torch_state_dict, to_torch_state_dict

__all__ = ["from_sklearn", "from_torch_state_dict", "to_onnx", "to_torch_state_dict"]
