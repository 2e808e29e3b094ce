"""Tables as NumPy and Parquet files."""

from __future__ import annotations

import io
import math
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.data.delimited import checked_names
from glassgrad.data.sources import LARGEST
from glassgrad.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]


def read_npz(data: bytes, where: str) -> dict[str, Array]:
    """The arrays of an NPZ file by name. Objects are refused, and nothing in the file is run.

    Raises
    ------
    DataError
        When it is damaged, holds objects, or a header announces more than the file has.
    """
    arrays: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise DataError(f"{where} unpacks to more than {LARGEST:,} bytes, which is more than is read")
            for entry in entries:
                name = entry.filename.removesuffix(".npy")
                if name == entry.filename:
                    raise DataError(f"{where} is not an NPZ file: it holds {entry.filename!r}, which is not an array")
                with archive.open(entry) as stream:
                    arrays[name] = _array(stream, entry.file_size, f"{where}, array {name!r}")
    except (DataError, MemoryError):
        raise
    except Exception as error:  # zipfile and zlib have many errors for damaged files
        raise DataError(f"{where} is a damaged NPZ file: {error}") from error
    if not arrays:
        raise DataError(f"{where} holds no arrays")
    return arrays


def _array(stream: Any, size: int, where: str) -> Array:
    """One array, after its header was compared with what is there."""
    from numpy.lib import format as layout

    try:
        version = layout.read_magic(stream)
        read = {(1, 0): layout.read_array_header_1_0, (2, 0): layout.read_array_header_2_0}.get(version)
        if read is None:
            raise DataError(f"{where}: version {version} of the NPY format is not read")
        shape, by_columns, dtype = read(stream)
    except DataError:
        raise
    except Exception as error:  # the header is text that anyone can have written
        raise DataError(f"{where} has a damaged header: {error}") from error
    if dtype.hasobject:
        raise DataError(f"{where} holds Python objects, which are not read; save it with a dtype of numbers or text")
    if dtype.kind not in "biufSUMm" or not dtype.itemsize:
        raise DataError(f"{where} holds {dtype}; numbers, truth values, text and dates are read")
    if any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize > size:
        raise DataError(f"{where} announces shape {shape} of {dtype}, more than the {size:,} bytes that follow")
    body = stream.read(math.prod(shape) * dtype.itemsize)
    if len(body) != math.prod(shape) * dtype.itemsize:
        raise DataError(f"{where} is cut off: shape {shape} of {dtype} is announced, and {len(body):,} bytes follow")
    flat = np.frombuffer(body, dtype)
    array = flat.reshape(shape[::-1]).T if by_columns else flat.reshape(shape)
    return np.ascontiguousarray(array.astype(dtype.newbyteorder("="))).reshape(shape)


def read_parquet(data: bytes, where: str) -> pd.DataFrame:
    """A table from a Parquet file, by pandas and pyarrow.

    Raises
    ------
    DataError
        When pyarrow is missing, or the file is damaged.
    """
    import pandas as pd

    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise DataError(f'{where}: Parquet needs pyarrow; pip install "glassgrad[parquet]"') from None
    try:
        frame = pd.read_parquet(io.BytesIO(data), engine="pyarrow")
    except MemoryError:
        raise
    except Exception as error:  # pyarrow has many errors for damaged files, some of them plain ones
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(f"{where} is a damaged Parquet file: {lines[0]}") from error
    frame = frame.reset_index(drop=all(name is None for name in frame.index.names))
    frame.columns = [str(name) for name in frame.columns]
    checked_names(list(frame.columns), where)
    if not len(frame.columns) or not len(frame):
        raise DataError(f"{where} has {len(frame.columns)} columns and {len(frame)} rows: there is nothing to read")
    return frame
