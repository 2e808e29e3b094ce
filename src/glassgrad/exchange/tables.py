"""A preparation of a table's columns as ONNX inputs, one a column, and a function that makes features of them.

Numbers are float64 with NaN where they are missing, as are flags (1 and 0); categories are text, trimmed, and
empty where they are missing, a whole number being written without a point; arrays without names are one input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.data import Preparation
from glassgrad.data.columns import FARTHEST, Category, Column, Flag, Number, Pixels
from glassgrad.errors import UnsupportedError
from glassgrad.exchange.nodes import Value, Writer
from glassgrad.exchange.written import Input

Made = tuple[Input, Callable[[Any], Any]]


def _number(column: Number) -> Made:
    def f(x: Any) -> Any:
        gone = np.isnan(x)
        scaled = np.where(gone, column.fill, x) / column.scale - column.mean / column.scale
        scaled = np.clip(np.where(np.isnan(scaled), 0, scaled), -FARTHEST, FARTHEST)
        return np.concatenate([scaled, gone.astype(np.float64)], axis=1) if column.missing else scaled

    return Input(column.name, (1,), np.dtype(np.float64)), f


def _flag(column: Flag) -> Made:
    def f(x: Any) -> Any:
        gone = np.isnan(x)
        known = np.where(gone, column.share, x)
        return np.concatenate([known, gone.astype(np.float64)], axis=1) if column.missing else known

    return Input(column.name, (1,), np.dtype(np.float64)), f


def _category(column: Category) -> Made:
    width = len(column.feature_names)
    other = len(column.values) if column.rare else width
    places = {value: i for i, value in enumerate(column.values)} | dict.fromkeys(column.rare, other)
    places.setdefault("", width - 1 if column.missing else width)

    def encode(w: Writer, x: Value) -> Value:
        return w.node(
            "LabelEncoder", x, dtype=np.int64, domain="ai.onnx.ml",
            keys_strings=list(places), values_int64s=list(places.values()), default_int64=other,
        )  # fmt: skip

    return Input(column.name, (1,), np.dtype(np.int64), encode), lambda x: x == np.arange(width)


def _pixels(column: Pixels) -> Made:
    exact = column.mean == 0

    def f(x: Any) -> Any:
        flat = np.reshape(x, (x.shape[0], -1))
        if exact:
            return flat / np.float32(column.scale)
        return np.clip((flat - column.mean) / column.scale, -FARTHEST, FARTHEST)

    return Input("X", column.shape, np.dtype(np.float32 if exact else np.float64)), f


_MADE: dict[type[Column], Callable[[Any], Made]] = {
    Category: _category, Flag: _flag, Number: _number, Pixels: _pixels,
}  # fmt: skip


def columns_of(preparation: Preparation) -> tuple[list[Input], Callable[..., Any]]:
    """The inputs of a preparation, and the function from them to its features.

    Raises
    ------
    UnsupportedError
        When a column holds text or dates, which ONNX cannot take apart.
    """
    made: list[Made] = []
    for column in preparation.used:
        if type(column) not in _MADE:
            raise UnsupportedError(
                f"ONNX cannot say what is done with the column {column.name!r} ({column.kind}): it cannot take text "
                "apart; export the estimator alone and prepare its features outside"
            )
        made.append(_MADE[type(column)](column))

    def f(*columns: Any) -> Any:
        parts = [function(x).astype(np.float32) for (_, function), x in zip(made, columns, strict=True)]
        return np.concatenate(parts, axis=1)

    return [column for column, _ in made], f
