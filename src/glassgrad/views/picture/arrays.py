"""Values and gradients as they stand on a wire: a number, a small table of numbers, or a shape with a heat map."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.views import numbers
from glassgrad.views.picture.marks import Mark, image, rect, text
from glassgrad.views.picture.measure import text_width
from glassgrad.views.report_charts import signed

TABLE = 4
"""Arrays of up to so many rows and columns are written as tables of numbers."""
ROWS, COLUMNS = 16, 32
"""A heat map has at most so many cells; larger arrays are averaged over blocks."""
CELL = 14.0
SMALL = 10.0


def drawn(value: Any, x: float, y: float, css: str, above: bool) -> list[Mark]:
    """A value beside a wire.

    Parameters
    ----------
    value : array or number
        What is drawn.
    x, y : float
        Where it begins, and the edge that lies beside the wire: the lower one if `above`.
    css : str
        The class that colours it: "value" or "gradient".
    above : bool
        Whether it stands above its wire, or below.
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return [text(x, y - 1 if above else y + 11, numbers.number(array[()]), css)]
    if array.size == 0:
        return [text(x, y - 1 if above else y + 11, f"{numbers.shape(array.shape)}, empty", css, SMALL)]
    matrix = array.reshape(-1, array.shape[-1])
    if array.ndim <= 2 and matrix.shape[0] <= TABLE and matrix.shape[1] <= TABLE:
        return _table(matrix, x, y, css, above)
    return _heat(array, matrix, x, y, css, above)


def _table(matrix: Any, x: float, y: float, css: str, above: bool) -> list[Mark]:
    """A small matrix with its numbers, each cell tinted by sign and size."""
    written = [[numbers.number(e) for e in row] for row in matrix]
    width = max(text_width(t, SMALL) for row in written for t in row) + 7
    size = np.abs(matrix.astype(float))
    top = float(np.max(size, initial=0.0, where=np.isfinite(size))) or 1.0
    start = y - CELL * len(written) if above else y
    marks: list[Mark] = []
    for i, row in enumerate(written):
        for j, said in enumerate(row):
            e = float(matrix[i, j])
            tint = "odd" if not np.isfinite(e) else "warm" if e > 0 else "cool"
            strength = 0.35 if tint == "odd" else 0.3 * abs(e) / top
            left, upper = x + j * width, start + i * CELL
            marks.append(rect(left, upper, width, CELL, f"cell {tint}", more=f' fill-opacity="{strength:.2f}"'))
            marks.append(text(left + width / 2, upper + 10.5, said, f"{css} middle", SMALL))
    return marks


def _heat(array: Any, matrix: Any, x: float, y: float, css: str, above: bool) -> list[Mark]:
    """Shape, and a heat map of averages over blocks: orange above zero, blue below."""
    said = numbers.shape(array.shape)
    values = matrix.astype(float)
    odd = int(np.count_nonzero(~np.isfinite(values)))
    cells = _pooled(_pooled(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), ROWS, 0), COLUMNS, 1)
    width = float(np.clip(6 * cells.shape[1], 22, 72))
    height = float(np.clip(6 * cells.shape[0], 9, 42))
    picture = signed(cells, float(np.max(np.abs(cells))))
    marks = [text(x, y - height - 4 if above else y + height + 10, said, css, SMALL)]
    if odd:
        marks.append(
            text(x + text_width(said, SMALL) + 6, marks[0].bottom - 2.4, f"{odd} not finite", "odd-text", SMALL)
        )
    upper = y - height if above else y
    return [*marks, image(x, upper, width, height, picture), rect(x, upper, width, height, "frame")]


def _pooled(values: Any, most: int, axis: int) -> Any:
    """At most `most` rows (or columns): means over blocks of nearly equal size."""
    length = values.shape[axis]
    if length <= most:
        return values
    edges = np.linspace(0, length, most + 1).astype(int)
    counts = np.diff(edges)
    sums = np.add.reduceat(values, edges[:-1], axis)
    return sums / (counts[:, None] if axis == 0 else counts)


def described(wire: Any) -> str:
    """Shape and dtype of a wire without a value."""
    if wire.parts is not None:
        return f"{len(wire.parts)} results"
    said = numbers.shape(wire.shape) if wire.shape else "scalar"
    return said if wire.dtype.kind == "f" else f"{said} {wire.dtype}"
