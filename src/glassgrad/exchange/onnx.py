"""to_onnx: networks, graphs and estimators as ONNX models, which other programs run."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad import nn, storage
from glassgrad.data import Preparation
from glassgrad.distributions import Distribution
from glassgrad.errors import OperandError, ShapeError, UnsupportedError, reason
from glassgrad.exchange.heads import head_of
from glassgrad.exchange.nodes import onnx_module
from glassgrad.exchange.written import Input, Output, write_file, write_function, write_graph
from glassgrad.graphs import Graph


def to_onnx(
    model: Any,
    X: Any = None,
    *,
    distribution: Distribution | None = None,
    preparation: Preparation | None = None,
    dtype: DTypeLike | None = None,
    path: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Any:
    """A network, a graph or a fitted estimator as an ONNX model (opset 18) that computes the same.

    What is written is the graph: each gate by the one rule for it, so that a model of any layers and any
    functions of NumPy can be exported as far as ONNX has words for its gates. Networks act as in use
    (Dropout does nothing), and take any number of rows.

    Parameters
    ----------
    model : nn.Layer, Graph, estimator or path
        A network; a graph, as `glassgrad.trace` makes it, which keeps its shapes; or a fitted estimator of
        `glassgrad.estimators`, alone, with its preparation (a PreparedModel), or as the last step of a
        scikit-learn Pipeline. Or where one is stored: what `glassgrad train`, `estimators.save` or
        `storage.save` wrote.
    X : array_like, optional
        Rows such as the network takes. Only their shape after the first axis and their dtype count. Needed
        where the first layer does not say how wide its input is.
    distribution : Distribution, optional
        For a network: put out its mean and its prediction too.
    preparation : Preparation, optional
        For an estimator: what made its features of a table's columns. The ONNX model then takes the columns:
        numbers and flags (1 and 0) as float64 with NaN where one is missing, categories as text, empty where
        missing. Text and dates cannot be prepared in ONNX.
    dtype : dtype, optional
        float32 writes a float64 model in float32; by default the model keeps its dtype.
    path : path, optional
        Also write the model into this file.
    overwrite : bool
        Replace a file that is there.

    Returns
    -------
    onnx.ModelProto
        A network takes ``X`` and puts out ``output`` (and ``mean`` and ``prediction`` with a distribution).
        An estimator takes ``X``. A classifier puts out ``label``, the class itself, and ``probabilities``, or
        ``scores`` where it has no probabilities. A regressor puts out ``variable``, the mean, as scikit-learn's
        converters call it, one column a target; so does a transformer.

    Raises
    ------
    UnsupportedError
        When a gate has no equal in ONNX, or the package onnx is not installed.
    DataError
        When the file cannot be written, or a stored model cannot be read.

    Examples
    --------
    >>> import glassgrad as gg
    >>> net = gg.nn.Sequential(gg.nn.Linear(4, 8, seed=0), gg.nn.Tanh(), gg.nn.Linear(8, 3, seed=1))
    >>> model = gg.exchange.to_onnx(net, distribution=gg.distributions.Categorical())
    >>> [output.name for output in model.graph.output]
    ['output', 'mean', 'prediction']
    >>> [axis.dim_param or axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim]
    ['rows', 4]
    """
    onnx_module()
    single = _single(dtype)
    if isinstance(model, str | os.PathLike):
        from glassgrad.estimators.prepared import stored_model

        model = stored_model(model)
    if isinstance(model, storage.Model):
        model, distribution = model.net, distribution or model.loss
    if isinstance(model, Graph):
        made = write_graph(model, single)
    elif isinstance(model, nn.Layer):
        made = _network(model, X, distribution, single)
    else:
        head = head_of(model, X, preparation)
        made = write_function(head.f, head.inputs, head.outputs, single, head.about)
    if path is not None:
        write_file(made, path, overwrite)
    return made


def _single(dtype: DTypeLike | None) -> bool:
    """Whether float64 is written as float32."""
    if dtype is None:
        return False
    kind = np.dtype(dtype)
    if kind not in (np.float32, np.float64):
        raise OperandError(f"dtype is float32, float64 or None (keep the model's), not {kind}")
    return kind == np.float32


def _network(net: nn.Layer, X: Any, distribution: Distribution | None, single: bool) -> Any:
    shape, dtype = _row_of(net, X)
    outputs = [Output("output")]

    def f(x: Any) -> Any:
        output = net(x)
        return output if distribution is None else (output, distribution.mean(output), distribution.predict(output))

    if distribution is not None:
        outputs += [Output("mean"), Output("prediction")]
    try:
        return write_function(f, [Input("X", shape, dtype)], outputs, single, str(net))
    except ShapeError as error:
        hint = "" if X is not None else "; hand over some rows, to_onnx(net, X), to say what it takes"
        raise ShapeError(f"the network does not take rows of shape {shape}: {reason(error)}{hint}") from error


def _row_of(net: nn.Layer, X: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape of one row that a network takes, and the dtype it computes in."""
    parameters = net.parameters()
    if X is not None:
        rows = np.asarray(X)
        if not rows.ndim:
            raise ShapeError("X has rows along its first axis, and a single number has none")
        dtype = rows.dtype if rows.dtype.kind == "f" or not parameters else parameters[0].dtype
        return rows.shape[1:], dtype
    for _, layer in [("", net), *net.named_layers()]:
        if isinstance(layer, nn.Linear | nn.RadialBasis):
            return (layer.n_in,), parameters[0].dtype
    raise UnsupportedError("how wide is a row? No layer says; hand over some rows: to_onnx(net, X)")
