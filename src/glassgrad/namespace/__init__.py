"""The real part of the Python array API standard, version 2024.12, for tensors: ``x.__array_namespace__()``.

Every function has the standard's name and records gates, so that code written against the standard
has gradients. Creation functions make constants. `LEFT_OUT` says what is missing, and `LIMITS` what
takes less than the standard says.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import NoReturn

import numpy as np

from glassgrad.errors import UnsupportedError
from glassgrad.namespace import dtypes, linalg
from glassgrad.namespace.arrays import (
    argsort,
    cumulative_prod,
    cumulative_sum,
    diff,
    nonzero,
    repeat,
    searchsorted,
    sort,
    unique_all,
    unique_counts,
    unique_inverse,
    unique_values,
    unstack,
)
from glassgrad.namespace.common import answered
from glassgrad.namespace.creation import (
    arange,
    asarray,
    empty,
    empty_like,
    eye,
    from_dlpack,
    full,
    full_like,
    linspace,
    meshgrid,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from glassgrad.namespace.dtypes import (
    __array_namespace_info__,
    astype,
    can_cast,
    finfo,
    iinfo,
    isdtype,
    result_type,
)

__array_api_version__ = "2024.12"
VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")

__all__ = [
    "__array_namespace_info__", "arange", "argsort", "asarray", "astype", "can_cast", "cumulative_prod",
    "cumulative_sum", "diff", "empty", "empty_like", "eye", "finfo", "from_dlpack", "full", "full_like", "iinfo",
    "isdtype", "linalg", "linspace", "meshgrid", "nonzero", "ones", "ones_like", "repeat", "result_type",
    "searchsorted", "sort", "unique_all", "unique_counts", "unique_inverse", "unique_values", "unstack", "zeros",
    "zeros_like",
]  # fmt: skip
ANSWERED = (
    "abs", "acos", "acosh", "add", "all", "any", "argmax", "argmin", "asin", "asinh", "atan", "atan2", "atanh",
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "broadcast_arrays", "broadcast_to", "ceil", "clip", "concat", "conj", "copysign", "cos", "cosh", "count_nonzero",
    "divide", "equal", "exp", "expand_dims", "expm1", "flip", "floor", "floor_divide", "greater", "greater_equal",
    "hypot", "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log10", "log1p", "log2", "logaddexp",
    "logical_and", "logical_not", "logical_or", "logical_xor", "matmul", "matrix_transpose", "max", "maximum", "mean",
    "min", "minimum", "moveaxis", "multiply", "negative", "nextafter", "not_equal", "permute_dims", "positive", "pow",
    "prod", "real", "reciprocal", "remainder", "reshape", "roll", "round", "sign", "signbit", "sin", "sinh",
    "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum", "take", "take_along_axis", "tan", "tanh",
    "tensordot", "tile", "tril", "triu", "trunc", "var", "vecdot", "where",
)  # fmt: skip
"""The functions that `glassgrad.ops` answers for NumPy, which has them under the same name."""

LEFT_OUT = {
    "imag": "tensors are real, so there is no imaginary part",
    "fft": "Fourier transforms are complex; differentiate real and imaginary part as two real arrays",
}
"""What the standard has and this namespace has not, and why."""
LIMITS = {
    "nonzero": "needs values, so not while a function is traced: use where",
    "repeat": "an array of counts needs values, so not while a function is traced: use one number",
    "unique_all": "needs values, so not while a function is traced",
    "unique_counts": "needs values, so not while a function is traced",
    "unique_inverse": "needs values, so not while a function is traced",
    "unique_values": "needs values, so not while a function is traced",
    "asarray": "copy=False only of arrays that nobody can change; device='cpu' only, as in every function",
    "astype": "complex64 and complex128 can be named, and no tensor can have them",
    "linalg.qr": "mode='reduced' of matrices with at least as many rows as columns",
    "linalg.svd": "full_matrices=False unless the matrices are square: more vectors would be arbitrary",
}
"""What takes less here than the standard says, and why."""

CONSTANTS = {"e": np.e, "inf": np.inf, "nan": np.nan, "newaxis": None, "pi": np.pi}
DTYPES = dtypes.BOOL | dtypes.SIGNED | dtypes.UNSIGNED | dtypes.FLOATING | dtypes.COMPLEX

globals().update({**CONSTANTS, **DTYPES, **{name: answered(name) for name in ANSWERED}})


def for_version(api_version: str | None) -> ModuleType:
    """The namespace, if it is what a version of the standard asks for."""
    if api_version is not None and api_version not in VERSIONS:
        raise UnsupportedError(f"version {api_version!r} of the array API standard is not known: {', '.join(VERSIONS)}")
    return sys.modules[__name__]


class _LeftOutError(UnsupportedError, AttributeError):
    """As an AttributeError, it lets code ask with hasattr."""


def __getattr__(name: str) -> NoReturn:
    if name in LEFT_OUT:
        raise _LeftOutError(f"the array API's {name} is left out: {LEFT_OUT[name]}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, *ANSWERED, *CONSTANTS, *DTYPES, "__array_api_version__"])
