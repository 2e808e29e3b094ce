"""IDX files, the format of MNIST: big-endian arrays with their shape in front.

Format: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", 1998.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad.data.sources import content
from glassgrad.errors import DataError

Array = np.ndarray[Any, Any]
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def decode(data: bytes, where: str) -> Array:
    """The array that an IDX file holds, in this machine's byte order.

    Raises
    ------
    DataError
        When the header is damaged, or claims more or fewer numbers than there are.
    """
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _DTYPES or data[3] == 0:
        raise DataError(f"{where} is not an IDX file: it begins with {data[:4].hex(' ')}")
    dtype, axes = np.dtype(_DTYPES[data[2]]), data[3]
    start = 4 + 4 * axes
    if len(data) < start:
        raise DataError(f"{where} is cut off in its header: {axes} axes are announced, and it has {len(data)} bytes")
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    claimed, real = math.prod(shape) * dtype.itemsize, len(data) - start
    if claimed != real:
        what = "cut off" if real < claimed else "damaged"
        raise DataError(
            f"{where} is {what}: its header announces shape {tuple(shape)}, {claimed:,} bytes of numbers, "
            f"and {real:,} follow"
        )
    if 0 in shape:
        raise DataError(f"{where} is empty: shape {tuple(shape)}")
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def labels_beside(path: Path) -> Path | None:
    """The file of labels that belongs to a file of images, found by its name; None where there is none."""
    for images, labels in (("images-idx3", "labels-idx1"), ("images.idx3", "labels.idx1"), ("images", "labels")):
        if images in path.name:
            name = path.name.replace(images, labels)
            bare = name.removesuffix(".gz")
            for candidate in (name, bare, bare + ".gz"):
                if (file := path.with_name(candidate)).is_file():
                    return file
    return None


def read_labels(path: Path, rows: int) -> Array:
    """Labels of as many rows.

    Raises
    ------
    DataError
        When the file holds something else, or another number of labels.
    """
    labels = decode(content(path), str(path))
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(f"{path} does not hold labels, one whole number a row: {labels.dtype}, shape {labels.shape}")
    if len(labels) != rows:
        raise DataError(f"{path} holds {len(labels):,} labels, and there are {rows:,} images")
    return labels.astype(np.int64)
