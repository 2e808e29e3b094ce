"""Files on their way in: found, unpacked, and recognised by name and content."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

from glassgrad.errors import DataError

LARGEST = 1 << 32
"""Bytes that a packed file may unpack to."""
_CHUNK = 1 << 20
_SUFFIXES = {
    "csv": "csv", "tsv": "tsv", "tab": "tsv", "parquet": "parquet", "pq": "parquet", "npz": "npz", "idx": "idx",
}  # fmt: skip
_ADVICE = {
    "xlsx": "an Excel workbook: save it as CSV there",
    "xls": "an Excel workbook: save it as CSV there",
    "ods": "a spreadsheet: save it as CSV there",
    "json": "JSON: write it as CSV, for example with pandas.read_json(…).to_csv(…)",
    "pkl": "a pickle, which can run anything when it is opened, and is not read",
    "pickle": "a pickle, which can run anything when it is opened, and is not read",
    "npy": "one array without a name: write it with numpy.savez(…, X=…, y=…)",
    "zip": "an archive: unpack it first",
    "xz": "packed with xz: unpack it first, or pack it with gzip",
    "bz2": "packed with bzip2: unpack it first, or pack it with gzip",
}


def found(path: str | os.PathLike[str]) -> Path:
    """The path of a file that can be read.

    Raises
    ------
    DataError
        When there is no such file, or it is a folder.
    """
    import difflib

    if not str(path):
        raise DataError("there is no file without a name")
    file = Path(path)
    if file.is_dir():
        inside = sorted(p.name for p in file.iterdir() if p.is_file())[:5]
        raise DataError(
            f"{file} is a folder; name a file" + (f", for example {file / inside[0]}" if inside else ": it holds none")
        )
    if not file.exists():
        near: list[str] = []
        if file.parent.is_dir():
            near = difflib.get_close_matches(file.name, [p.name for p in file.parent.iterdir()], n=1)
        raise DataError(f"there is no file {file}" + (f"; did you mean {file.parent / near[0]}?" if near else ""))
    return file


def content(path: Path, largest: int = LARGEST) -> bytes:
    """The bytes of a file, unpacked where it is gzipped.

    Raises
    ------
    DataError
        When it is empty, cannot be read, is damaged, or unpacks to more than `largest` bytes.
    """
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        if not packed:
            if path.suffix == ".gz":
                raise DataError(f"{path} is named .gz and is not a gzip file")
            data = path.read_bytes()
        else:
            data = _unpacked(path, largest)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if not data:
        raise DataError(f"{path} is empty")
    return data


def _unpacked(path: Path, largest: int) -> bytes:
    parts, total = [], 0
    try:
        with gzip.open(path) as stream:
            while part := stream.read(_CHUNK):
                total += len(part)
                if total > largest:
                    raise DataError(f"{path} unpacks to more than {largest:,} bytes, which is more than is read")
                parts.append(part)
    except EOFError:
        raise DataError(f"{path} is cut off: the gzip file ends after {total:,} unpacked bytes, too early") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}") from error
    return b"".join(parts)


def format_of(path: Path, data: bytes) -> str:
    """Csv, tsv, parquet, npz or idx: by what the content says for sure, else by the name, else text.

    Raises
    ------
    DataError
        When the file is of a kind that is not read; what to do is said.
    """
    suffix = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if suffix in _ADVICE:
        raise DataError(f"{path} is {_ADVICE[suffix]}")
    named, real = _SUFFIXES.get(suffix), _by_content(data)
    if named in ("parquet", "npz", "idx") and real != named:
        raise DataError(f"{path} is named .{suffix} and does not begin like such a file: it is damaged or misnamed")
    if real is not None and named is not None and real != named:
        raise DataError(f"{path} is named .{suffix} and holds {real.upper()}; give it that name")
    return real or named or "text"


def _by_content(data: bytes) -> str | None:
    if data[:4] == b"PAR1":
        return "parquet"
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "npz"
    if data[:2] == b"\0\0" and len(data) >= 4 and data[2] in (8, 9, 11, 12, 13, 14) and 1 <= data[3] <= 8:
        return "idx"
    return None
