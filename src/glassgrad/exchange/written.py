"""Graphs as ONNX: every gate by its rule, for any number of rows; inputs and outputs with their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad.errors import DataError, UnsupportedError, describe
from glassgrad.exchange.gates import GATES, Result, Rule
from glassgrad.exchange.layout import LAYOUT
from glassgrad.exchange.nodes import IR_VERSION, ML_OPSET, OPSET, Dims, Value, Writer, onnx_module
from glassgrad.exchange.sizes import OpenGraph, Size, closed, opened
from glassgrad.files import replace_file
from glassgrad.graphs import Graph
from glassgrad.ops import OPS
from glassgrad.wire import marked

RULES: dict[str, Rule] = {**GATES, **LAYOUT}
"""For each gate that ONNX can say, how."""

_DRAWS = "ONNX has no generator that draws the same numbers"
_ALGEBRA = "ONNX has no such linear algebra"
_SPARSE = "ONNX has no sparse rows; hand the network dense ones"
UNSAID: dict[str, str] = {
    **dict.fromkeys(("bits", "fold_in", "integers", "normal", "permutation", "split_key", "uniform"), _DRAWS),
    **dict.fromkeys(("cholesky", "cofactor", "eigh", "inv", "pinv", "qr", "slogdet", "solve", "svd"), _ALGEBRA),
    **dict.fromkeys(("csr_add", "csr_matmul", "csr_rows"), _SPARSE),
    "nextafter": "ONNX has no operation on the bits of floating numbers",
}
"""For each gate that ONNX cannot say, why."""

_LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Input:
    """A column of rows as an ONNX model takes it.

    ``encode`` turns it into what the function takes, for columns of text; ``kind`` is its ONNX type then.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    encode: Callable[[Writer, Value], Value] | None = None


@dataclass(frozen=True)
class Output:
    """A result of an ONNX model; with `classes`, its numbers count them, and the class is put out."""

    name: str
    classes: np.ndarray[Any, Any] | None = None


def write_function(
    f: Callable[..., Any], inputs: Sequence[Input], outputs: Sequence[Output], single: bool, about: str
) -> Any:
    """A function of rows as an ONNX model; it returns as many arrays as there are outputs."""
    with marked(enabled=True, key=None):
        graph = opened(f, [(column.shape, column.dtype) for column in inputs])
    writer = Writer(single)
    given = [writer.fresh(column.name) for column in inputs]
    kinds = [np.dtype(object) if column.encode else writer.dtype(column.dtype) for column in inputs]
    dims: list[Dims] = [(Size(1), *column.shape) for column in inputs]
    raw = [Value(writer, n, t, d) for n, t, d in zip(given, kinds, dims, strict=True)]
    writer.column = raw[0]
    values = [
        x if column.encode is None else replace(column.encode(writer, x), dims=x.dims)
        for column, x in zip(inputs, raw, strict=True)
    ]
    results = []
    for output, value in zip(outputs, _converted(graph, writer, values), strict=True):
        if output.classes is not None:
            classes = writer.constant(output.classes, "classes")
            code = value.cast(np.int64)
            value = replace(writer.node("Gather", classes, code, dtype=classes.dtype, axis=0), dims=value.dims)
        results.append((output.name, value))
    return _model(writer, raw, results, about)


def write_graph(graph: Graph, single: bool) -> Any:
    """A graph as an ONNX model of the same inputs, outputs and shapes."""
    open_graph, writer = closed(graph), Writer(single)
    raw = [Value(writer, writer.fresh(graph.names[w.serial]), writer.dtype(w.dtype), w.shape) for w in graph.inputs]
    values = _converted(open_graph, writer, raw)
    names = [graph.names[w.serial] for w in graph.outputs]
    return _model(writer, raw, list(zip(names, values, strict=True)), graph.text(fold=True))


def _converted(graph: OpenGraph, writer: Writer, inputs: Sequence[Value]) -> list[Value]:
    """The values of a graph's outputs."""
    first = graph.graph
    values: dict[int, Any] = {w.serial: x for w, x in zip(first.inputs, inputs, strict=True)}
    for wire in first.wires:
        if wire.serial in values:
            continue
        if wire.op is None:
            values[wire.serial] = writer.leaf(graph.constants[wire.serial], wire.name or "const")
            continue
        operands = [values[x.serial] for x in wire.operands]
        writer.group = "".join(f"{g.name}/" for g in (wire.group.path if wire.group is not None else ()))
        values[wire.serial] = _gate(graph, writer, wire, operands)
    writer.group = ""
    return [values[w.serial] for w in first.outputs]


def _gate(graph: OpenGraph, writer: Writer, wire: Any, operands: list[Any]) -> Any:
    name, params, dims = wire.op.name, graph.params[wire.serial], graph.dims[wire.serial]
    if name == "part" and isinstance(operands[0], list):
        return replace(operands[0][params["index"]], dims=dims)
    rule = RULES.get(name) if OPS.get(name) is wire.op else None
    if rule is None:
        own = "it is a gate of your own; write it with NumPy functions to export it"
        why = UNSAID.get(name, "it has no rule here") if OPS.get(name) is wire.op else own
        raise UnsupportedError(f"ONNX cannot say the gate '{name}': {why}\n  {describe(wire)}")
    specs = tuple(x.spec for x in wire.operands)
    made = rule(writer, Result(writer.dtype(wire.dtype), dims, specs), *operands, **params)
    return made if isinstance(made, list) else replace(made, dims=dims)


def _model(writer: Writer, inputs: Sequence[Value], outputs: Sequence[tuple[str, Value]], about: str) -> Any:
    """The finished model, checked by ONNX."""
    from glassgrad import __version__

    onnx = onnx_module()
    results = []
    for name, value in outputs:
        fresh = writer.fresh(name)
        writer.nodes.append(onnx.helper.make_node("Identity", [value.name], [fresh], name=fresh))
        results.append(replace(value, name=fresh))
    used = {name for node in writer.nodes for name in node.input}
    graph = onnx.helper.make_graph(
        writer.nodes,
        "glassgrad",
        [_described(x) for x in inputs],
        [_described(x) for x in results],
        initializer=[tensor for name, tensor in writer.initialisers.items() if name in used],
        doc_string=about,
    )
    domains = [onnx.helper.make_opsetid("", OPSET)]
    if any(node.domain == "ai.onnx.ml" for node in writer.nodes):
        domains.append(onnx.helper.make_opsetid("ai.onnx.ml", ML_OPSET))
    model = onnx.helper.make_model(
        graph,
        opset_imports=domains,
        ir_version=IR_VERSION,
        producer_name="glassgrad",
        producer_version=__version__,
    )
    if model.ByteSize() > _LARGEST:
        raise UnsupportedError("the model is larger than 2 GiB, more than one ONNX file holds")
    onnx.checker.check_model(model, full_check=True)
    return model


def _described(x: Value) -> Any:
    onnx = onnx_module()
    text = x.dtype.kind in "OU"
    kind = onnx.TensorProto.STRING if text else onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
    return onnx.helper.make_tensor_value_info(x.name, kind, [_axis(d) for d in x.dims])


def _axis(size: int | Size) -> int | str | None:
    """A size as ONNX writes it: a number, ``rows``, or a formula."""
    if not isinstance(size, Size):
        return size
    text = "rows" if size.times == 1 else f"{size.times} rows"
    return f"{text} + {size.plus}" if size.plus else text


def write_file(model: Any, path: str | os.PathLike[str], overwrite: bool) -> None:
    """Write a model, complete or not at all."""
    where = Path(path)
    _refuse(where, overwrite)
    if not where.parent.is_dir():
        raise DataError(f"there is no folder {where.parent} to write {where.name} into")
    replace_file(where, model.SerializeToString(), lambda: _refuse(where, overwrite))


def _refuse(where: Path, overwrite: bool) -> None:
    if where.is_dir() or (where.exists() and not overwrite):
        what = "is a folder; name a file" if where.is_dir() else "exists; name another file, or say overwrite=True"
        raise DataError(f"{where} {what}")
