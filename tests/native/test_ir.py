"""Our writer of IR: LLVM accepts each of its forms, and what runs is what was meant."""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from glassgrad.native.builder import Builder
from glassgrad.native.emit import F32, F64, I1, I8, I32, I64, POINTER, VOID, Code, ir, type_of, vector
from glassgrad.native.jit import CompileError, compile_ir, optimised, verify_ir
from glassgrad.native.target import NAMED

CTYPES: dict[Any, Any] = {F32: ctypes.c_float, F64: ctypes.c_double, I32: ctypes.c_int32, I64: ctypes.c_int64,
                          I8: ctypes.c_int8, I1: ctypes.c_bool, POINTER: ctypes.c_void_p, VOID: None}  # fmt: skip
KINDS = [F32, F64, *(vector(e, n) for e in (F32, F64) for n in (2, 8, 16))]


def written(arguments: Sequence[Any], result: Any, body: Callable[[Builder, Any], Any]) -> str:
    """A module with the function ``f``."""
    code = Code()
    function = code.function("f", arguments, result)
    b = Builder(code, function)
    b.finish(body(b, function.args))
    return str(code)


def function(arguments: Sequence[Any], result: Any, body: Callable[[Builder, Any], Any]) -> Callable[..., Any]:
    """The function, verified and compiled."""
    library = compile_ir(written(arguments, result, body), cache=False)
    return library.function("f", CTYPES[result], [CTYPES[a] for a in arguments])


def filled(count: int, dtype: Any, body: Callable[[Builder, Any], None]) -> Any:
    """What a function writes into an array."""
    out = np.zeros(count, dtype)
    function([POINTER], VOID, lambda b, args: body(b, args[0]))(out.ctypes.data)
    return out


# types and constants


def test_a_type_is_made_once() -> None:
    assert ir.IntType(32) is I32
    assert ir.VectorType(F32, 8) is vector(F32, 8)
    assert ir.VectorType(F32, 8) is not ir.VectorType(F32, 4)
    assert ir.LiteralStructType([F32, I64]) is ir.LiteralStructType([F32, I64])
    assert vector(F64, 1) is F64
    kind = vector(F64, 4)
    assert (str(kind), kind.suffix, kind.count, kind.element, kind.bytes) == ("<4 x double>", "v4f64", 4, F64, 8)
    assert (I1.bytes, I1.width, I64.width, POINTER.bytes) == (1, 1, 64, 8)


def test_arrays_are_stored_as_numpy_stores_them() -> None:
    for name in [
        "float32",
        "float64",
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "bool",
    ]:
        assert type_of(name).bytes == np.dtype(name).itemsize
    with pytest.raises(TypeError, match="float16"):
        type_of(np.float16)


SPECIAL = [0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, math.pi, math.inf, -math.inf, math.nan, 5e-324, 2.0**-149, 2.0**-1022,
           1.7976931348623157e308, 3.4028234663852886e38, 16777217.0, 1e-50, 1e300]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_floating_constant_has_its_bits(kind: Any) -> None:
    lanes, dtype = kind.count, np.dtype(f"f{kind.bytes}")
    with np.errstate(over="ignore"):
        wanted = np.repeat(np.array(SPECIAL, np.float64).astype(dtype), lanes)

    def body(b: Builder, out: Any) -> None:
        for i, x in enumerate(SPECIAL):
            b.store(b.const(x, kind), b.at(out, i * lanes, kind.element))

    found = filled(len(SPECIAL) * lanes, dtype, body)
    np.testing.assert_array_equal(found, wanted)
    number = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(found[number]), np.signbit(wanted[number]))


def test_constants_that_compare_equal_are_told_apart() -> None:
    """Constants are remembered, in tables for which -0.0 is 0.0 and True is 1."""
    for kind in KINDS:
        for _ in range(2):
            zero, minus = ir.Constant(kind, 0.0), ir.Constant(kind, -0.0)
            assert zero.text != minus.text
            assert "8000000000000000" in minus.text
            assert ir.Constant(kind, 0).text == ir.Constant(kind, np.float32(0.0)).text == zero.text
            assert ir.Constant(kind, np.float64(-0.0)).text == minus.text
    pair = vector(F64, 2)
    assert ir.Constant(pair, [0.0, 1.0]).text != ir.Constant(pair, [-0.0, 1.0]).text
    assert ir.Constant(I32, True).text == ir.Constant(I32, 1).text == ir.Constant(I32, 1.0).text == "1"


@pytest.mark.parametrize("width", [8, 32, 64])
def test_whole_constants_are_taken_modulo_their_width(width: int) -> None:
    kind, dtype = ir.IntType(width), np.dtype(f"i{width // 8}")
    values = [0, 1, -1, 2 ** (width - 1) - 1, -(2 ** (width - 1)), 2 ** (width - 1), 2**width - 1]

    def body(b: Builder, out: Any) -> None:
        for i, x in enumerate(values):
            b.store(b.const(x, kind), b.at(out, i, kind))

    wanted = np.array([v & (2**width - 1) for v in values], f"u{width // 8}").view(dtype)
    np.testing.assert_array_equal(filled(len(values), dtype, body), wanted)


def test_constants_of_many_lanes() -> None:
    wide = vector(I32, 4)
    assert ir.Constant(wide, [7, 7, 7, 7]).value == 7
    assert ir.Constant(wide, [1, 2, 3, 4]).value is None
    assert ir.Constant(wide, None).text == ir.Constant(wide, 0).text == "zeroinitializer"
    parts = [ir.Constant(F32, x) for x in (1.0, 2.0)]

    def body(b: Builder, out: Any) -> None:
        b.store(ir.Constant(wide, [3, -1, 4, 1]), out)
        b.store(b.bitcast(ir.Constant(vector(F32, 2), parts), I32), b.at(out, 4, I32))
        b.store(b.lane_numbers(2, I32), b.at(out, 6, I32))

    found = filled(8, np.int32, body)
    assert found.tolist() == [3, -1, 4, 1, *np.array([1.0, 2.0], np.float32).view(np.int32).tolist(), 0, 1]


def test_no_address_and_no_particular_value() -> None:
    f = function([I64], I64, lambda b, args: b.ir.ptrtoint(ir.Constant(POINTER, None), I64))
    assert f(3) == 0
    verify_ir(written([I64], I64, lambda b, args: ir.Constant(I64, ir.Undefined)))


@pytest.mark.parametrize(("pattern", "kind"), [(0x7FC00000, F32), (0x00000001, F32), (0x3FF0000000000001, F64)])
def test_numbers_by_their_bits(pattern: int, kind: Any) -> None:
    out = filled(1, f"f{kind.bytes}", lambda b, out: b.store(b.bits(pattern, kind), out))
    assert int(out.view(f"u{kind.bytes}")[0]) == pattern


def test_a_table_is_in_the_module_once() -> None:
    code = Code()
    f = code.function("f", [I64], F64)
    b = Builder(code, f)
    values = [1.5, -0.0, math.inf]
    table = code.table(values, F64)
    assert code.table(list(values), F64) is table
    assert code.table([1.5], F64) is not table
    b.finish(b.load(b.at(table, f.args[0], F64), F64))
    g = compile_ir(str(code), cache=False).function("f", ctypes.c_double, [ctypes.c_int64])
    assert [struct.pack("<d", g(i)) for i in range(3)] == [struct.pack("<d", v) for v in values]


# instructions


X, Y = np.array([5, -7, 123456, 0, 31, -1, 2, 9], np.int64), np.array([3, 2, -77, 5, 1, 4, 2, -9], np.int64)
WHOLE: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "and_": np.bitwise_and, "or_": np.bitwise_or,
    "xor": np.bitwise_xor,
}  # fmt: skip


@pytest.mark.parametrize("lanes", [1, 8])
@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers(name: str, lanes: int) -> None:
    """With one, both, or none of the operands known when it is written."""
    kind = vector(I64, lanes)
    known = [0, 1, -1, 5]
    out = np.zeros((1 + 2 * len(known) + len(known) ** 2, len(X)), np.int64)

    def body(b: Builder, args: Any) -> None:
        write = getattr(b.ir, name)
        for at in range(0, len(X), lanes):
            x, y = (b.load(b.at(a, at, I64), kind) for a in args[:2])
            constants = [ir.Constant(kind, c) for c in known]
            results = [write(x, y)]
            results += [write(x, c) for c in constants] + [write(c, x) for c in constants]
            results += [write(c, d) for c in constants for d in constants]
            for i, r in enumerate(results):
                b.store(r, b.at(args[2], i * len(X) + at, I64))

    x, y = X.copy(), Y.copy()
    function([POINTER] * 3, VOID, body)(x.ctypes.data, y.ctypes.data, out.ctypes.data)
    f = WHOLE[name]
    wanted = [f(X, Y), *[f(X, c) for c in known], *[f(c, X) for c in known]]
    wanted += [np.full(len(X), f(c, d)) for c in known for d in known]
    np.testing.assert_array_equal(out, np.array(wanted))


def test_shifts_divisions_and_signs() -> None:
    def both(body: Callable[[Any, Any, Any], Any]) -> Callable[[int, int], int]:
        return function([I64, I64], I64, lambda b, args: body(b.ir, *args))

    assert both(lambda w, x, y: w.shl(x, y))(-3, 4) == -48
    assert both(lambda w, x, y: w.lshr(x, y))(-1, 60) == 15
    assert both(lambda w, x, y: w.ashr(x, y))(-64, 3) == -8
    assert both(lambda w, x, y: w.sdiv(x, y))(-7, 2) == -3
    assert both(lambda w, x, y: w.neg(x))(7, 0) == -7
    assert both(lambda w, x, y: w.not_(x))(7, 0) == -8
    zero, two = ir.Constant(I64, 0), ir.Constant(I64, 2)
    assert both(lambda w, x, y: w.shl(x, zero))(9, 0) == 9
    assert both(lambda w, x, y: w.lshr(zero, x))(9, 0) == 0
    assert both(lambda w, x, y: w.shl(two, two))(0, 0) == 8
    assert both(lambda w, x, y: w.add(x, y, flags=("nsw",)))(2, 3) == 5


def test_what_is_known_is_not_computed() -> None:
    code = Code()
    f = code.function("f", [I64, F64, POINTER])
    b = Builder(code, f)
    x, y, p = f.args
    zero, one = b.index(0), b.index(1)
    for same in (b.add(x, zero), b.add(zero, x), b.sub(x, zero), b.mul(x, one), b.mul(one, x), b.xor(x, zero),
                 b.shift_left(x, 0), b.at(p, 0, F64) and x):  # fmt: skip
        assert same is x
    assert b.mul(x, zero).value == b.both(zero, x).value == 0
    assert b.add(b.index(2), b.index(3)).value == 5
    assert b.index(2**63).value == -(2**63)
    assert b.at(p, 0, F64) is p
    # floating numbers have a zero with a sign
    assert b.add(y, b.const(0.0, F64)) is not y
    assert b.mul(y, b.const(0.0, F64)).value is None


def test_a_block_computes_nothing_twice() -> None:
    code = Code()
    f = code.function("f", [I64, POINTER])
    b = Builder(code, f)
    x, p = f.args
    first = b.mul(x, x)
    assert b.mul(x, x) is first
    assert b.at(p, 3, F64) is b.at(p, 3, F64)
    assert b.load(p, F64) is not b.load(p, F64)
    with b.when(b.compare("<", x, b.index(3))):
        assert b.mul(x, x) is not first  # nothing is known of blocks that may not have run
    assert b.mul(x, x) is not first
    b.finish()
    verify_ir(str(code))


@pytest.mark.parametrize("kind", [F32, F64, vector(F32, 16), vector(F64, 2)], ids=str)
def test_floating_numbers(kind: Any) -> None:
    dtype, n = np.dtype(f"f{kind.bytes}"), kind.count
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(2, n)).astype(dtype)
    out = np.zeros((7, n), dtype)

    def body(b: Builder, args: Any) -> None:
        x, y = (b.load(a, kind) for a in args[:2])
        results = [b.add(x, y), b.sub(x, y), b.mul(x, y), b.div(x, y), b.neg(x), b.sqrt(b.mul(x, x)), b.fma(x, y, x)]
        for i, r in enumerate(results):
            b.store(r, b.at(args[2], i * n, kind.element))

    function([POINTER] * 3, VOID, body)(x.ctypes.data, y.ctypes.data, out.ctypes.data)
    np.testing.assert_array_equal(out[:6], [x + y, x - y, x * y, x / y, -x, np.sqrt(x * x)])
    np.testing.assert_allclose(out[6], x * y + x, rtol=1e-5)


HOW: dict[str, Callable[..., Any]] = {
    "<": np.less, "<=": np.less_equal, "==": np.equal, "!=": np.not_equal, ">=": np.greater_equal, ">": np.greater
}  # fmt: skip


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", ["icmp_signed", "icmp_unsigned", "fcmp_ordered", "fcmp_unordered"])
def test_comparisons(name: str, how: str) -> None:
    x, y = np.array([1, 2, -3, 4, -5, 0], np.int64), np.array([1, 3, 2, -4, -5, 7], np.int64)
    element, u, v = I64, x.view(np.uint64), y.view(np.uint64)
    wanted = HOW[how](u, v) if name == "icmp_unsigned" else HOW[how](x, y)
    if name.startswith("fcmp"):
        element, x, y = F64, x.astype(float), y.astype(float)
        x[0], y[5] = math.nan, math.nan
        unordered = np.isnan(x) | np.isnan(y)
        wanted = np.where(unordered, name == "fcmp_unordered", HOW[how](x, y))
    out = np.zeros(6, np.int8)

    def body(b: Builder, args: Any) -> None:
        with b.loop(0, 6) as i:
            x, y = (b.load(b.at(a, i, element), element) for a in args[:2])
            b.store(b.widen(getattr(b.ir, name)(how, x, y), I8, signed=False), b.at(args[2], i, I8))

    function([POINTER] * 3, VOID, body)(x.ctypes.data, y.ctypes.data, out.ctypes.data)
    np.testing.assert_array_equal(out.astype(bool), wanted)


def test_conversions() -> None:
    def one(source: Any, target: Any, body: Callable[[Builder, Any], Any]) -> Callable[[Any], Any]:
        return function([source], target, lambda b, args: body(b, args[0]))

    assert one(I32, I64, lambda b, x: b.widen(x, I64))(-5) == -5
    assert one(I32, I64, lambda b, x: b.widen(x, I64, signed=False))(-5) == 2**32 - 5
    assert one(I64, I32, lambda b, x: b.narrow(x, I32))(2**32 + 7) == 7
    assert one(F32, F64, lambda b, x: b.convert(x, F64))(0.5) == 0.5
    assert one(F64, F32, lambda b, x: b.convert(x, F32))(0.1) == np.float32(0.1)
    assert one(F64, F64, lambda b, x: b.convert(x, F64))(0.1) == 0.1
    assert one(I64, F64, lambda b, x: b.to_float(x, F64))(-3) == -3.0
    assert one(I64, F64, lambda b, x: b.to_float(x, F64, signed=False))(-1) == 2.0**64
    assert one(F64, I32, lambda b, x: b.to_int(x))(-3.9) == -3
    assert one(F64, I64, lambda b, x: b.bitcast(x, I64))(1.0) == 0x3FF0000000000000
    assert one(I64, I64, lambda b, x: b.ir.ptrtoint(b.ir.inttoptr(x, POINTER), I64))(4096) == 4096


def test_vectors() -> None:
    x = np.arange(8, dtype=np.float32)
    kind = vector(F32, 8)
    out = np.zeros(24, np.float32)

    def body(b: Builder, args: Any) -> None:
        x = b.load(args[0], kind)
        reverse = ir.Constant(vector(I32, 8), list(range(7, -1, -1)))
        b.store(b.ir.shuffle_vector(x, x, reverse), args[1])
        rest = b.part(x, 2, 4)
        b.store(rest, b.at(args[1], 8, F32))
        b.store(b.splat(b.ir.extract_element(x, ir.Constant(I32, 5)), 2), b.at(args[1], 12, F32))
        b.store(b.total(x), b.at(args[1], 14, F32))
        b.store(b.largest(x), b.at(args[1], 15, F32))
        mask = b.first_lanes(3, 8)
        changed = b.ir.insert_element(x, b.const(-1.0, F32), ir.Constant(I32, 0))
        b.store_masked(changed, b.at(args[1], 16, F32), mask)
        b.store(b.part(b.load_masked(args[0], kind, b.first_lanes(b.index(2), 8)), 0, 4), b.at(args[1], 20, F32))

    function([POINTER] * 2, VOID, body)(x.ctypes.data, out.ctypes.data)
    wanted = [7, 6, 5, 4, 3, 2, 1, 0, 2, 3, 4, 5, 5, 5, 28, 7, -1, 1, 2, 0, 0, 1, 0, 0]
    np.testing.assert_array_equal(out, wanted)


def test_structures() -> None:
    code = Code()
    pair = ir.LiteralStructType([F64, vector(F64, 2)])
    made = code.function("made", [F64], pair, exported=False)
    made.attributes.add("noinline")
    b = Builder(code, made)
    x = made.args[0]
    whole = b.ir.insert_value(ir.Constant(pair, ir.Undefined), x, 0)
    b.finish(b.ir.insert_value(whole, b.splat(b.add(x, x), 2), 1))
    f = code.function("f", [F64], F64)
    b = Builder(code, f)
    given = b.ir.call(made, [f.args[0]])
    b.finish(b.add(b.ir.extract_value(given, 0), b.total(b.ir.extract_value(given, 1))))
    assert code.module.globals.get("made") is made
    library = compile_ir(str(code), cache=False)
    assert library.functions == ("f",)
    assert library.function("f", ctypes.c_double, [ctypes.c_double])(3.0) == 15.0


# control


def test_loops_inside_loops() -> None:
    def body(b: Builder, args: Any) -> Any:
        slot = b.room(I64)
        b.store(b.index(0), slot)
        with b.loop(0, args[0]) as i, b.loop(i, args[0], 2) as j:
            b.store(b.add(b.load(slot, I64), b.mul(i, j)), slot)
        return b.load(slot, I64)

    f = function([I64], I64, body)
    for n in (0, 1, 7):
        assert f(n) == sum(i * j for i in range(n) for j in range(i, n, 2))


def test_values_carried_around_a_loop() -> None:
    def body(b: Builder, args: Any) -> Any:
        first = [b.index(0), b.index(1)]
        return b.carry(0, args[0], 1, first, lambda i, v: [v[1], b.add(v[0], v[1])])[0]

    f = function([I64], I64, body)
    assert [f(n) for n in (0, 1, 2, 10, 50)] == [0, 1, 1, 55, 12586269025]


@pytest.mark.parametrize("likely", [None, True, False])
def test_conditions(likely: bool | None) -> None:
    def body(b: Builder, args: Any) -> Any:
        x = args[0]
        before = b.ir.block
        with b.ir.if_then(b.compare(">", x, b.index(10)), likely=likely):
            high = b.sub(x, b.index(10))
            inside = b.ir.block
        phi = b.ir.phi(I64)
        phi.add_incoming(x, before)
        phi.add_incoming(high, inside)
        slot = b.room(I64)
        with b.ir.if_else(b.compare("==", phi, b.index(5))) as (then, otherwise):
            with then:
                b.store(b.index(100), slot)
            with otherwise:
                b.store(phi, slot)
        return b.load(slot, I64)

    text = written([I64], I64, body)
    assert text.count("!prof") == (likely is not None)
    f = function([I64], I64, body)
    assert [f(x) for x in (-3, 5, 10, 15, 30)] == [-3, 100, 10, 100, 20]


def test_a_branch_that_returns() -> None:
    def body(b: Builder, args: Any) -> Any:
        with b.when(b.compare("<", args[0], b.index(0))):
            b.finish(b.index(-1))
        return b.index(1)

    f = function([I64], I64, body)
    assert [f(x) for x in (-5, 0, 5)] == [-1, 1, 1]


def test_memory_of_the_stack_is_taken_at_the_start() -> None:
    """Also when it is asked for inside a loop, whose blocks come later in the text."""

    def body(b: Builder, args: Any) -> Any:
        total = b.room(F64)
        b.store(b.const(0.0, F64), total)
        with b.loop(0, args[0]) as i:
            slot = b.room(vector(F64, 4), 2)
            b.store(b.splat(b.to_float(i, F64), 4), b.at(slot, 1, vector(F64, 4)))
            four = b.load(b.at(slot, 1, vector(F64, 4)), vector(F64, 4))
            b.store(b.add(b.load(total, F64), b.total(four)), total)
        return b.load(total, F64)

    text = written([I64], F64, body)
    entry = text[: text.index("body")]
    assert entry.count("alloca") == 2
    assert function([I64], F64, body)(5) == 40.0


def test_phis_may_be_written_after_other_instructions() -> None:
    def body(b: Builder, args: Any) -> Any:
        before = b.ir.block
        with b.when(b.compare(">", args[0], b.index(0))):
            inside = b.ir.block
        twice = b.add(args[0], args[0])
        phi = b.ir.phi(I64)
        phi.add_incoming(b.index(1), before)
        phi.add_incoming(b.index(2), inside)
        return b.mul(twice, phi)

    f = function([I64], I64, body)
    assert [f(x) for x in (-3, 3)] == [-6, 12]


def test_a_block_may_be_taken_up_again() -> None:
    def body(b: Builder, args: Any) -> Any:
        left, right, end = (b.function.append_basic_block(n) for n in ("left", "right", "end"))
        b.ir.cbranch(b.compare(">", args[0], b.index(0)), left, right)
        values = []
        for block in (left, right):
            b.ir.position_at_end(block)
            values.append(b.add(args[0], b.index(len(values) + 1)))
        for block in (left, right):
            b.ir.position_at_end(block)
            values.append(b.mul(values[len(values) - 2], args[0]))
            b.ir.branch(end)
        b.ir.position_at_end(end)
        phi = b.ir.phi(I64)
        phi.add_incoming(values[2], left)
        phi.add_incoming(values[3], right)
        return phi

    f = function([I64], I64, body)
    assert [f(x) for x in (3, -3)] == [12, 3]


def test_memory_that_threads_share() -> None:
    def body(b: Builder, args: Any) -> Any:
        before = b.ir.atomic_rmw("add", args[0], b.index(5), "acq_rel")
        return b.add(before, b.ir.load_atomic(args[0], "acquire", 8, typ=I64))

    count = np.array([2], np.int64)
    assert function([POINTER], I64, body)(count.ctypes.data) == 2 + 7
    assert count[0] == 7


# functions


def test_declarations_attributes_and_names() -> None:
    code = Code()
    inner = code.function("inner.3x4 of it", [POINTER, I64], I64, inline=True, exported=False)
    inner.args[1].add_attribute("noundef")
    inner.args[1].add_attribute("noundef")
    b = Builder(code, inner)
    b.finish(b.add(b.load(inner.args[0], I64), inner.args[1]))
    cosine = code.intrinsic("cos", F64, [F64])
    assert code.intrinsic("cos", F64, [F64]) is cosine
    f = code.function("f", [POINTER], F64)
    b = Builder(code, f)
    b.finish(b.ir.call(cosine, [b.to_float(b.ir.call(inner, [f.args[0], b.index(2)]), F64)]))
    text = str(code)
    assert 'define internal i64 @"inner.3x4 of it"(ptr noalias %0, i64 noundef %1) alwaysinline nounwind {' in text
    assert "declare double @cos(double)" in text
    assert "call i64" in text
    assert "call i64" not in optimised(text)
    x = np.array([1], np.int64)
    g = compile_ir(text, cache=False).function("f", ctypes.c_double, [ctypes.c_void_p])
    assert g(x.ctypes.data) == math.cos(3.0)
    with pytest.raises(ValueError, match="there is a f"):
        code.function("f", [])


def test_the_text_is_the_same_each_time() -> None:
    """Its digest is the key of the cache."""

    def body(b: Builder, args: Any) -> Any:
        b.function.attributes.update(("noinline", "cold", "nofree"))
        return b.sqrt(b.mul(args[0], args[0]))

    assert written([F64], F64, body) == written([F64], F64, body)
    assert ") cold nofree noinline nounwind {" in written([F64], F64, body)


def test_wrong_types_are_refused_by_llvm() -> None:
    with pytest.raises(CompileError, match="but expected 'i64'"):
        verify_ir(written([I64, F64], I64, lambda b, args: b.ir.add(args[0], args[1])))


@pytest.mark.parametrize("name", NAMED)
def test_text_is_good_for_every_target(name: str) -> None:
    verify_ir(written([F64], F64, lambda b, args: b.sqrt(args[0])), NAMED[name])
