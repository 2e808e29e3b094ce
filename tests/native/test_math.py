"""Elementary functions of compiled code: how far from exact, what at the edges, and always the same bits."""

from __future__ import annotations

import ctypes
import functools
import math
import zlib
from typing import Any

import numpy as np
import pytest
from scipy import special

from glassgrad.native.emit import I64, POINTER, Code, type_of, vector
from glassgrad.native.jit import compile_ir, verify_ir
from glassgrad.native.math import Math
from glassgrad.native.target import host, named, obstacle

Array = np.ndarray[Any, Any]

FLOAT32, FLOAT64, LONG = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.longdouble)
UNARY = (
    "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "tanh", "sinh", "cosh", "sigmoid",
    "softplus", "erf", "arctan", "arcsin", "arccos", "arcsinh", "arccosh", "arctanh",
)  # fmt: skip
BINARY = ("logaddexp", "pow", "arctan2", "hypot")
LIMIT = {FLOAT32: 2.0, FLOAT64: 4.0}
long_double = pytest.mark.skipif(np.finfo(LONG).nmant < 63, reason="there is no longer format to compare float64 with")


# what is compiled and what is exact


def source(dtype: np.dtype[Any], lanes: int) -> str:
    """A module with every function, over arrays whose length is a multiple of the lanes."""
    code, element = Code(), type_of(dtype)
    for name in UNARY + BINARY:
        operands = 2 if name in BINARY else 1
        f = code.function(name, [POINTER] * (operands + 1) + [I64])
        b = Math(code, f)
        *addresses, result, n = f.args
        with b.loop(0, n, lanes) as i:
            values = [b.load(b.at(address, i, element), vector(element, lanes)) for address in addresses]
            b.store(getattr(b, name)(*values), b.at(result, i, element))
        b.finish()
    return str(code)


@functools.cache
def library(dtype: np.dtype[Any], lanes: int, target: str | None, opt: int) -> Any:
    return compile_ir(source(dtype, lanes), host(target), cache=False, opt=opt, on_slow=None)


def computed(name: str, *operands: Array, lanes: int = 0, target: str | None = None, opt: int = 2) -> Array:
    """What compiled code gives; as many lanes as the CPU has, unless told."""
    dtype, n = operands[0].dtype, len(operands[0])
    lanes = lanes or host().lanes(dtype)
    whole = -(-n // lanes) * lanes
    operands = tuple(np.concatenate([x, np.ones(whole - n, dtype)]) for x in operands)
    out = np.empty(whole, dtype)
    argtypes = [ctypes.c_void_p] * (len(operands) + 1) + [ctypes.c_int64]
    run = library(dtype, lanes, target, opt).function(name, None, argtypes)
    run(*(x.ctypes.data for x in operands), out.ctypes.data, whole)
    return out[:n]


def exact(name: str, *operands: Array) -> Array:
    """The function in the next longer format: float64 for float32, the long double for float64."""
    with np.errstate(all="ignore"):
        wide = [x.astype(FLOAT64 if x.dtype == FLOAT32 else LONG) for x in operands]
        if name == "sigmoid":
            t = np.exp(-np.abs(wide[0]))
            return np.where(wide[0] >= 0, 1, t) / (1 + t)
        if name == "softplus":
            return np.logaddexp(wide[0], np.zeros_like(wide[0]))
        if name == "erf":
            return erf(wide[0]) if wide[0].dtype == LONG else special.erf(wide[0])
        return getattr(np, {"pow": "power"}.get(name, name))(*wide)


def erf(x: Array) -> Array:
    """2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)): all terms have one sign."""
    y = np.clip(x, -7, 7)
    term = total = y
    for n in range(1, 200):
        term = term * (2 * y * y / (2 * n + 1))
        total = total + term
    return np.copysign(np.minimum(np.abs(2 / np.sqrt(np.arccos(x.dtype.type(-1))) * np.exp(-y * y) * total), 1), x)


def ulps(y: Array, exact: Array, size: Array | None = None) -> Array:
    """Distance in units of the last place of y's format at the exact result; infinite where only one is a number."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(y.dtype)
        unit = np.spacing(np.minimum(np.abs(rounded if size is None else size), np.finfo(y.dtype).max))
        error = np.abs(y.astype(exact.dtype) - exact) / unit
        same = (y == exact) | (np.isnan(y) & np.isnan(rounded)) | (~np.isfinite(y) & (y == rounded))
    return np.where(same, 0, np.where(np.isnan(error), np.inf, error))


# where


def every_exponent(dtype: np.dtype[Any], each: int, rng: np.random.Generator) -> Array:
    """Numbers with every sign and exponent, infinities, NaNs and subnormal numbers among them."""
    digits = np.finfo(dtype).nmant
    word = np.uint32 if dtype == FLOAT32 else np.uint64
    heads = np.arange(2 ** (dtype.itemsize * 8 - digits), dtype=word) << word(digits)
    return (heads[:, None] | rng.integers(0, 2**digits, (len(heads), each), word)).view(dtype).reshape(-1)


def neighbourhoods(dtype: np.dtype[Any], reach: int) -> Array:
    """The numbers next to where a function changes its formula, overflows, or meets an axis or a pole."""
    edges = [0.25, 0.3473, 0.5, 2 / 3, math.sqrt(0.5), 1, 4 / 3, math.sqrt(2), 2, 4, 6, 9.1, 18, 20, 2.0**16, 2.0**28]
    edges += [math.sqrt(2) - 1, math.sqrt(2) + 1, 2.0**30, 16.7, 38, 87.4, 88.7, 89.4, 104, 708.4, 709.8, 710.5, 745.2]
    edges += [n * math.pi / 4 for n in range(1, 9)] + [n * math.log(2) / 2 for n in range(1, 9)]
    edges += [126, 127, 128, 149, 150, 1022, 1023, 1024, 1074, 1075, float(np.finfo(dtype).tiny), 22 / 7, 355 / 113]
    word = np.int32 if dtype == FLOAT32 else np.int64
    near = np.array(edges, dtype).view(word)[:, None] + np.arange(-reach, reach + 1, dtype=word)
    low = np.arange(reach, dtype=word)  # from 0 upwards
    positive = np.concatenate([near.reshape(-1), low]).view(dtype)
    return np.concatenate([positive, -positive])


def points(dtype: np.dtype[Any], name: str, each: int, more: int) -> Array:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    usual = [rng.standard_normal(more) * 2, rng.uniform(-1, 1, more), rng.uniform(-750, 750, more)]
    usual.append(1 + rng.choice([-1, 1], more) * 10.0 ** rng.uniform(-8, 0, more))
    parts = [every_exponent(dtype, each, rng), neighbourhoods(dtype, 1000), *(x.astype(dtype) for x in usual)]
    return np.concatenate(parts)


def pairs(dtype: np.dtype[Any], name: str, more: int) -> tuple[Array, Array]:
    """Operands of a function of two: any, near each other, and for powers those whose result is a number."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    x, y = (every_exponent(dtype, 64 if dtype == FLOAT32 else 16, rng) for _ in range(2))
    y = rng.permutation(y)
    base = np.exp(rng.uniform(-1, 1, more) * 10.0 ** rng.uniform(-5, 1.9, more)).astype(dtype)
    with np.errstate(all="ignore"):
        reach = rng.uniform(-1, 1, more) * (155 if dtype == FLOAT32 else 1080)
        power = (reach / np.log2(base.astype(FLOAT64))).astype(dtype)
    other = rng.standard_normal(more)
    near = other + rng.standard_normal(more) * 10.0 ** rng.uniform(-6, 1.5, more)
    whole = rng.integers(-30, 30, more)
    first = [x, base, other.astype(dtype), (other * 3).astype(dtype)]
    second = [y, power, near.astype(dtype), whole.astype(dtype)]
    return np.concatenate(first), np.concatenate(second)


# accuracy


@pytest.mark.parametrize("name", UNARY)
def test_float32_is_within_two_ulp(name: str) -> None:
    x = points(FLOAT32, name, each=4096, more=50_000)
    assert len(x) > 2_000_000
    error = ulps(computed(name, x), exact(name, x))
    worst = int(np.argmax(error))
    assert error[worst] <= LIMIT[FLOAT32], (x[worst], error[worst])


@long_double
@pytest.mark.parametrize("name", UNARY)
def test_float64_is_within_four_ulp(name: str) -> None:
    x = points(FLOAT64, name, each=64, more=40_000)
    if name == "erf":
        x = x[::4]  # its exact values take long
    error = ulps(computed(name, x), exact(name, x))
    worst = int(np.argmax(error))
    assert error[worst] <= LIMIT[FLOAT64], (x[worst], error[worst])


@pytest.mark.parametrize("dtype", [FLOAT32, pytest.param(FLOAT64, marks=long_double)], ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_two_operands(name: str, dtype: np.dtype[Any]) -> None:
    x, y = pairs(dtype, name, more=50_000)
    result, wanted = computed(name, x, y), exact(name, x, y)
    size = np.maximum(np.maximum(abs(x), abs(y)), abs(result)) if name == "logaddexp" else None
    error = ulps(result, wanted, size)
    worst = int(np.argmax(error))
    assert error[worst] <= LIMIT[dtype], (x[worst], y[worst], error[worst])


def test_hard_arguments_of_sine() -> None:
    """Large ones, and the float64 number closest to a multiple of π/2; the results are from mpmath."""
    x = np.array([1e22, 2.0**1023, 6381956970095103 * 2.0**797, 1e16, 5e5], FLOAT64)
    sines = [-0.8522008497671888, 0.563127779850884, 1.0, 0.7796880066069788, 0.1778312015182589]
    cosines = [0.523214785395139, -0.826369834614148, -4.687165924254628e-19, -0.6261681981330862, -0.9840610061203382]
    np.testing.assert_allclose(computed("sin", x), sines, rtol=5e-16)
    np.testing.assert_allclose(computed("cos", x), cosines, rtol=5e-16)


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_values_of_erf(dtype: np.dtype[Any]) -> None:
    """The results are from mpmath."""
    x = np.array([0.5, 1.0, 2.0, 3.0, 5.0], dtype)
    wanted = [0.5204998778130465, 0.8427007929497149, 0.9953222650189527, 0.9999779095030014, 0.9999999999984626]
    np.testing.assert_array_max_ulp(computed("erf", x), np.array(wanted, dtype), 2)


# edges


def edge_values(dtype: np.dtype[Any]) -> Array:
    f = np.finfo(dtype)
    positive = [0, 0.3, 0.5, 1, 2, 2.5, 3, 1000, 2**24 + 1, 1e10, math.inf, math.nan]
    x = np.array([*positive, f.max, f.tiny, f.smallest_subnormal, 1 - f.epsneg, 1 + f.eps], dtype)
    return np.concatenate([x, -x])


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize("name", UNARY + BINARY)
def test_edges_are_numpy_s(name: str, dtype: np.dtype[Any]) -> None:
    """0 and its sign, infinities and NaN are what NumPy's functions give; numbers are close to theirs."""
    x = edge_values(dtype)
    operands = [a.reshape(-1) for a in np.meshgrid(x, x)] if name in BINARY else [x]
    y = computed(name, *operands)
    with np.errstate(all="ignore"):
        wanted = exact(name, *operands).astype(dtype)
    edge = (wanted == 0) | ~np.isfinite(wanted)
    assert np.array_equal(y[edge], wanted[edge], equal_nan=True)
    known = edge & ~np.isnan(wanted)
    assert np.array_equal(np.signbit(y[known]), np.signbit(wanted[known]))
    assert np.isfinite(y[~edge]).all()


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize(
    ("name", "x", "wanted"),
    [
        ("exp", [-math.inf, math.inf, -0.0, 1000, -1000], [0, math.inf, 1, math.inf, 0]),
        ("expm1", [-math.inf, -0.0, 1e-30, -1000], [-1, -0.0, 1e-30, -1]),
        ("log", [0, -0.0, -1, math.inf, 1], [-math.inf, -math.inf, math.nan, math.inf, 0]),
        ("log1p", [-1, -2, -0.0, 1e-30], [-math.inf, math.nan, -0.0, 1e-30]),
        ("tanh", [-math.inf, math.inf, -0.0, 1e-30], [-1, 1, -0.0, 1e-30]),
        ("sigmoid", [-math.inf, math.inf, 0, 1000, -1000], [0, 1, 0.5, 1, 0]),
        ("softplus", [-math.inf, math.inf, 1000, -1000], [0, math.inf, 1000, 0]),
        ("erf", [-math.inf, math.inf, -0.0, 10], [-1, 1, -0.0, 1]),
        ("sin", [math.inf, -math.inf, -0.0], [math.nan, math.nan, -0.0]),
        ("exp2", range(-120, 120), [2.0**n for n in range(-120, 120)]),
        ("log2", [2.0**n for n in range(-120, 120)], range(-120, 120)),
    ],
)  # fmt: skip
def test_exact_values(name: str, x: list[float], wanted: list[float], dtype: np.dtype[Any]) -> None:
    y, expected = computed(name, np.array(x, dtype)), np.array(wanted, dtype)
    assert np.array_equal(y, expected, equal_nan=True)
    known = ~np.isnan(expected)
    assert np.array_equal(np.signbit(y[known]), np.signbit(expected[known]))


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_small_results_keep_their_digits(dtype: np.dtype[Any]) -> None:
    """σ and softplus of a large negative number are eˣ, down to the last subnormal number."""
    x = np.linspace(*((-103, -20) if dtype == FLOAT32 else (-745, -40)), 5000).astype(dtype)
    for name in ("sigmoid", "softplus"):
        np.testing.assert_array_max_ulp(computed(name, x), computed("exp", x), 2 if dtype == FLOAT32 else 4)
    assert (computed("sigmoid", x) > 0).all()


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_powers_of_whole_numbers_are_exact(dtype: np.dtype[Any]) -> None:
    x, y = (a.reshape(-1) for a in np.meshgrid(np.arange(-9, 10, dtype=dtype), np.arange(0, 7, dtype=dtype)))
    assert np.array_equal(computed("pow", x, y), np.power(x, y))


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_symmetry_is_exact(dtype: np.dtype[Any]) -> None:
    x = points(dtype, "symmetry", each=4, more=2000)
    for name in ("sin", "tan", "tanh", "sinh", "erf", "arctan", "arcsin", "arcsinh", "arctanh"):
        assert np.array_equal(computed(name, -x), -computed(name, x), equal_nan=True), name
    for name in ("cos", "cosh"):
        assert np.array_equal(computed(name, -x), computed(name, x), equal_nan=True), name


# the same bits everywhere


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize(
    ("lanes", "target", "opt"),
    [(1, None, 1), (3, None, 0), (4, None, 1), (8, None, 2), (16, None, 1), (8, "x86-64-avx2", 3)],
)
def test_bits_depend_on_neither_lanes_nor_cpu(dtype: np.dtype[Any], lanes: int, target: str | None, opt: int) -> None:
    if target is not None and (reason := obstacle(host(target)) if host().architecture == "x86_64" else "another CPU"):
        pytest.skip(reason)
    x = points(dtype, "bits", each=8, more=3000)
    x, y = np.concatenate([x, edge_values(dtype)]), np.concatenate([x[::-1], edge_values(dtype)])
    for name in UNARY + BINARY:
        operands = (x, y) if name in BINARY else (x,)
        wanted, found = computed(name, *operands), computed(name, *operands, lanes=lanes, target=target, opt=opt)
        number = ~np.isnan(wanted)  # which NaN it is differs between CPUs
        assert np.array_equal(np.isnan(found), ~number), name
        word = f"u{dtype.itemsize}"
        assert np.array_equal(found[number].view(word), wanted[number].view(word)), name


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_other_processors_accept_it(dtype: np.dtype[Any]) -> None:
    verify_ir(source(dtype, 4), named("aarch64-neon"))


def test_nothing_may_be_reordered_and_nothing_is_called() -> None:
    """No fast-math flags, and no function but LLVM's own exact ones."""
    allowed = ("copysign", "fabs", "floor", "fma", "sqrt", "vector.reduce.or", "masked.gather")
    for dtype in (FLOAT32, FLOAT64):
        lines = source(dtype, 4).splitlines()
        words = {word for line in lines for word in line.split()}
        assert not words & {"fast", "nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc"}
        called = [line.split("@")[1].split("(")[0] for line in lines if line.startswith("declare")]
        assert all(name.startswith(tuple(f"llvm.{a}." for a in allowed)) for name in called), called
