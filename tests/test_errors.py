"""Every mistake of a user is answered with the wires' names, their shapes, the user's own line, and a way out."""

from __future__ import annotations

import contextlib
import inspect
import linecache
import math
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special

import glassgrad as gg
from glassgrad import errors, ops

HERE = Path(__file__).name


@contextlib.contextmanager
def mistake(kind: type[Exception], usual: type[Exception], *words: str) -> Iterator[None]:
    """Expect an error that has these words, and quotes the one line inside the with-statement."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    assert frame.f_back.f_back is not None  # contextlib stands between
    user = frame.f_back.f_back
    with pytest.raises(kind) as caught:
        yield
    error = caught.value
    assert isinstance(error, usual), f"{kind.__name__} is no {usual.__name__}"
    assert isinstance(error, errors.GlassgradError)
    message = str(error)
    for word in words:
        assert word in message, f"no '{word}' in: {message}"
    lines = range(user.f_lineno - 3, user.f_lineno + 4)
    quoted = [n for n in lines if f"{HERE}:{n}\n" in message + "\n"]
    assert quoted, f"the message does not name this file and line: {message}"
    source = linecache.getline(str(Path(__file__)), quoted[-1]).strip()
    assert source, "the quoted line is empty"
    assert source in message, f"the message does not quote {source!r}: {message}"


@pytest.fixture
def W() -> gg.Tensor:
    return gg.tensor(np.ones((2, 3)), "W")


@pytest.fixture
def x() -> gg.Tensor:
    return gg.tensor(np.ones(4), "x")


def test_matmul(W, x):
    with mistake(errors.ShapeError, ValueError, "matmul(W, x)", "W: float64[2, 3]", "x: float64[4]", "must equal"):
        W @ x
    with mistake(errors.ShapeError, ValueError, "matmul", "multiply with *"):
        W @ gg.tensor(2.0, "s")
    with mistake(errors.ShapeError, ValueError, "do not broadcast", "(2, 3, 3)", "(4, 3, 3)"):
        gg.tensor(np.ones((2, 3, 3)), "A") @ gg.tensor(np.ones((4, 3, 3)), "B")


@pytest.mark.parametrize("gate", [np.add, np.multiply, np.maximum, np.arctan2, np.less, np.power])
def test_broadcasting(gate, W, x):
    with mistake(errors.ShapeError, ValueError, "(W, x)", "W: float64[2, 3]", "x: float64[4]", "equal or 1"):
        gate(W, x)


def test_an_operator_between_a_tensor_and_an_array(W):
    with mistake(errors.ShapeError, ValueError, "add(W, …)", "W: float64[2, 3]", "(an array): float64[4]"):
        W + np.ones(4)
    with mistake(errors.ShapeError, ValueError, "multiply(…, W)", "W: float64[2, 3]", "(an array): float64[4]"):
        np.ones(4) * W


def test_a_wire_without_a_name_is_called_by_its_line(W, x):
    made = np.exp(W)
    with mistake(errors.ShapeError, ValueError, "(exp at", "np.exp(W)", "float64[2, 3]"):
        made + x


def test_arguments_that_are_not_differentiated_have_names_too():
    def model(w, features):
        return np.sum(features @ w)

    with pytest.raises(errors.ShapeError) as caught:
        gg.grad(model)(np.ones(3), np.ones((5, 2)))
    message = str(caught.value)
    for words in ("matmul(features, w)", "features: float64[5, 2]", "w: float64[3]", "np.sum(features @ w)", HERE):
        assert words in message


def test_tracing_without_values_gives_the_same_message(W, x):
    def f(W, x):
        return W @ x

    with pytest.raises(errors.ShapeError) as eager:
        f(W, x)
    with pytest.raises(errors.ShapeError) as traced:
        gg.trace(f, np.ones((2, 3)), np.ones(4), values=False)
    assert str(eager.value) == str(traced.value)


def test_where(W, x):
    with mistake(errors.ShapeError, ValueError, "W: float64[2, 3]", "x: float64[4]"):
        np.where(W > 0, W, x)


def test_concatenate_and_stack(W, x):
    with mistake(errors.ShapeError, ValueError, "(2, 3)", "(4,)", "concatenate", "W: float64[2, 3]"):
        np.concatenate([W, x])
    with mistake(errors.ShapeError, ValueError, "one shape", "W: float64[2, 3]", "x: float64[4]"):
        np.stack([W, x])
    with mistake(errors.ShapeError, ValueError, "np.stack", "s: float64"):
        np.concatenate([gg.tensor(1.0, "s"), gg.tensor(2.0, "t")])


def test_reshape_and_broadcast_to(W):
    with mistake(errors.ShapeError, ValueError, "reshape", "(2, 3)", "6 elements", "W: float64[2, 3]"):
        W.reshape(4, 2)
    with mistake(errors.ShapeError, ValueError, "reshape", "(6 elements)", "W: float64[2, 3]"):
        np.reshape(W, (4, -1))
    with mistake(errors.ShapeError, ValueError, "broadcast", "(2, 3)", "(5, 3)", "equal or 1", "W: float64[2, 3]"):
        np.broadcast_to(W, (5, 3))


def test_einsum_and_tensordot(W, x):
    with mistake(errors.ShapeError, ValueError, "einsum", "'j' has size 4", "3 elsewhere", "W: float64[2, 3]"):
        np.einsum("ij,j->i", W, x)
    with mistake(errors.ShapeError, ValueError, "einsum", "(2, 3)", "one by one"):
        np.einsum("i,j->ij", W, x)
    with mistake(errors.ShapeError, ValueError, "einsum", "no operand has it"):
        np.einsum("ij->k", W)
    with mistake(errors.UnsupportedError, TypeError, "einsum", "'ij,jk->ik'"):
        np.einsum(W, [0, 1], [1, 0])
    with mistake(errors.ShapeError, ValueError, "tensordot", "(2, 3)", "(4,)"):
        np.tensordot(W, x, axes=1)


def test_axes(W):
    with mistake(errors.ShapeError, ValueError, "axis 2 is out of bounds", "use -2 to 1", "W: float64[2, 3]"):
        np.sum(W, axis=2)
    with mistake(errors.ShapeError, ValueError, "twice", "W: float64[2, 3]"):
        np.sum(W, axis=(0, -2))
    with mistake(errors.OperandError, TypeError, "whole number", "W: float64[2, 3]"):
        np.sum(W, axis=0.5)
    with mistake(errors.ShapeError, ValueError, "a scalar has no axes", "s: float64"):
        np.sum(gg.tensor(1.0, "s"), axis=0)


def test_indices(x, W):
    with mistake(errors.IndexRangeError, IndexError, "index 4 is out of bounds", "use -4 to 3", "x: float64[4]"):
        x[4]
    with mistake(errors.IndexRangeError, IndexError, "too many indices", "x: float64[4]"):
        x[0, 0]
    with mistake(errors.IndexRangeError, IndexError, "whole numbers", "x: float64[4]"):
        x[0.5]
    with mistake(errors.IndexRangeError, IndexError, "mask of shape (3,)", "x: float64[4]"):
        x[np.array([True, False, True])]
    with mistake(errors.IndexRangeError, IndexError, "out of bounds", "x: float64[4]"):
        x[[0, 7]]
    with mistake(errors.IndexRangeError, IndexError, "out of bounds", "x: float64[4]"):
        np.take(x, [9], axis=0)


def test_tensors_are_immutable(x):
    with mistake(errors.OperandError, TypeError, "immutable", "x: float64[4]", "np.where", "scatter_add"):
        x[0] = 1.0
    array = np.zeros(4)
    with mistake(errors.UnsupportedError, TypeError, "np.add", "immutable", "+="):
        array += x
    with mistake(errors.UnsupportedError, TypeError, "np.exp", "out="):
        np.exp(x, out=array)
    with pytest.raises(ValueError, match="read-only"):
        x.value[0] = 1.0


def test_singular_matrices():
    A = gg.tensor(np.ones((2, 2)), "A")
    with mistake(errors.SingularError, np.linalg.LinAlgError, "inv(A)", "A: float64[2, 2]", "pinv"):
        np.linalg.inv(A)
    with mistake(errors.SingularError, ValueError, "cholesky", "(multiply at", "-1 * A", "float64[2, 2]", "np.eye"):
        np.linalg.cholesky(-1 * A)
    with mistake(errors.ShapeError, ValueError, "square", "(2, 3)"):
        np.linalg.det(gg.tensor(np.ones((2, 3)), "B"))


def test_empty_arrays():
    nothing = gg.tensor(np.zeros((0, 3)), "batch")
    with mistake(errors.ShapeError, ValueError, "mean", "no elements", "batch: float64[0, 3]"):
        np.mean(nothing)
    with mistake(errors.ShapeError, ValueError, "max(batch)", "no elements", "batch: float64[0, 3]"):
        np.max(nothing, axis=0)
    with mistake(errors.ShapeError, ValueError, "softmax", "no elements", "batch: float64[0, 3]"):
        gg.softmax(nothing, axis=0)
    with mistake(errors.ShapeError, ValueError, "logsumexp", "no elements", "batch: float64[0, 3]"):
        gg.logsumexp(nothing)
    with mistake(errors.ShapeError, ValueError, "nothing to join"):
        gg.ops.view.concatenate([])
    assert np.sum(nothing).item() == 0


def test_the_truth_of_a_tensor(x):
    with mistake(errors.ShapeError, ValueError, "ambiguous", "greater", "bool[4]", ".all()"):
        bool(x > 0)
    with mistake(errors.ShapeError, ValueError, "ambiguous", "bool[0]"):
        bool(gg.tensor(np.zeros(0), "e") > 0)

    def branches(a):
        return a * 2 if a > 0 else -a

    assert gg.grad(branches)(3.0) == 2
    with pytest.raises(errors.ValueMissingError, match=r"np\.where") as caught:
        gg.trace(branches, 3.0, values=False)
    message = str(caught.value)
    assert "return a * 2 if a > 0 else -a" in message
    assert HERE in message
    assert "traced" in message
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("f", "word"),
    [
        (lambda a: a.value, "no value"),
        (lambda a: a[a > 0], "mask"),
        (lambda a: np.nonzero(a), "np.where"),
        (lambda a: a.item(), "no value"),
        (lambda a: a.tolist(), "no value"),
        (lambda a: f"{a[0]:.3f}", "no value"),
    ],
)
def test_values_are_missing_while_a_function_is_traced(f, word):
    with pytest.raises(errors.ValueMissingError, match=word) as caught:
        gg.trace(f, np.ones(3), values=False)
    assert HERE in str(caught.value)


def test_numbers_leave_the_graph_only_on_purpose(x):
    s = gg.tensor(0.5, "s")
    with mistake(errors.OperandError, TypeError, "float()", "s: float64", "np.sin", ".item()"):
        math.sin(s)
    with mistake(errors.OperandError, TypeError, "float()", "s: float64", ".item()"):
        float(s)
    with mistake(errors.OperandError, TypeError, "int()", "s: float64"):
        int(s)
    with mistake(errors.OperandError, TypeError, "indexing", "s: float64", "integer"):
        [1, 2][s]
    with mistake(errors.OperandError, TypeError, "complex", "s: float64"):
        complex(s)
    with mistake(errors.OperandError, TypeError, "NumPy array", "x: float64[4]", ".value"):
        np.asarray(x)
    with mistake(errors.OperandError, TypeError, "NumPy array", "s: float64", "np.stack"):
        np.array([s, s])
    with mistake(errors.OperandError, TypeError, "cannot be copied or pickled", ".value"):
        pickle.dumps(s * 2)
    with mistake(errors.OperandError, TypeError, "a scalar has no length", "s: float64"):
        len(s)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.array([1j]), "complex numbers are not supported"),
        (np.array([None]), "Python objects are not supported"),
        ("text", "text is not supported"),
        ([[1.0], [1.0, 2.0]], "not an array of numbers"),
        (np.array(["2020-01-01"], "datetime64[D]"), "not supported"),
        (np.ones(2, np.longdouble), "not supported"),
    ],
)
def test_wrong_types(data, words):
    if np.asarray([1.0], np.longdouble).dtype.itemsize == 8 and getattr(data, "dtype", None) == np.longdouble:
        pytest.skip("long doubles are doubles here")
    with mistake(errors.OperandError, TypeError, words, "'q'"):
        gg.tensor(data, "q")
    with mistake(errors.OperandError, TypeError, words):
        gg.tensor(1.0, "x") * data


def test_integers_have_no_gradient():
    n = gg.tensor(np.arange(3), "n")
    with mistake(errors.GradientError, ValueError, "no gradient path", "int64", "only floating numbers"):
        np.sum(n).backward()
    with mistake(errors.OperandError, TypeError, "differentiate", "n: int64[3]", ".astype(float)", "argnums"):
        gg.grad(lambda n: np.sum(n * 2.0))(np.arange(3))
    with mistake(errors.OperandError, TypeError, "a parameter learns", "'k'", "int64"):
        gg.Parameter(np.arange(3), "k")


def test_gradients_that_do_not_exist(x):
    with mistake(errors.GradientError, ValueError, "no gradient path", "stopped by stop_gradient"):
        gg.stop_gradient(np.sum(x)).backward()
    with mistake(errors.GradientError, ValueError, "no gradient path", "argmax"):
        np.argmax(x).backward()
    with mistake(errors.GradientError, ValueError, "no gradient path", "constant"):
        x.detach().sum().backward()
    with mistake(errors.GradientError, ValueError, "starts at a scalar", "(exp", "float64[4]", "sum it"):
        np.exp(x).backward()
    with mistake(errors.ShapeError, ValueError, "upstream gradient has shape (3,)", "(4,)"):
        np.exp(x).backward(np.ones(3))


def test_labels_out_of_range():
    labels = gg.tensor(np.array([0, 3]), "labels")
    with mistake(errors.DataError, ValueError, "label 3 is out of range", "0 to 2", "labels: int64[2]"):
        gg.one_hot(labels, 3)
    with mistake(errors.DataError, ValueError, "label -1 is out of range", "0 to 2"):
        gg.one_hot(np.array([-1, 2]), 3)
    with mistake(errors.OperandError, TypeError, "whole numbers", "float64"):
        gg.one_hot(np.array([0.5]), 3)


def test_functions_that_tensors_do_not_answer(x):
    with mistake(errors.UnsupportedError, TypeError, "np.fft.fft", ".value", "gg.gate"):
        np.fft.fft(x)
    with mistake(errors.UnsupportedError, TypeError, "np.median", ".value", "np.sort(x)"):
        np.median(x)
    with mistake(errors.UnsupportedError, TypeError, "np.add.at", ".value", "gg.scatter_add"):
        np.add.at(np.zeros(4), [0], x)
    with mistake(errors.UnsupportedError, TypeError, "scipy.special.expit", ".value", "gg.sigmoid"):
        scipy.special.expit(x)
    with mistake(errors.UnsupportedError, TypeError, "np.spacing", ".value", "gg.gate"):
        np.spacing(x)
    with mistake(errors.UnsupportedError, TypeError, "np.sum", "where", "np.where(condition"):
        np.sum(x, where=np.ones(4, bool))
    with mistake(errors.UnsupportedError, TypeError, "np.sum", "initial"):
        np.sum(x, initial=2.0)
    with mistake(errors.UnsupportedError, TypeError, "np.exp", "dtype="):
        np.exp(x, dtype=np.float32)
    with mistake(errors.UnsupportedError, TypeError, "np.cumsum", "out", "immutable"):
        np.cumsum(x, out=np.zeros(4))


def test_argnums():
    def f(a, b):
        return a * b

    with mistake(errors.OperandError, TypeError, "argnums=2", "2 were given"):
        gg.grad(f, argnums=2)(1.0, 2.0)
    with mistake(errors.OperandError, TypeError, "argument -3", "2 were given"):
        gg.grad(f, argnums=(0, -3))(1.0, 2.0)


def test_functions_that_return_the_wrong_thing():
    with mistake(errors.ShapeError, ValueError, "returns one number", "float64[3]", "gg.jacobian", "mean or sum"):
        gg.grad(np.sin)(np.ones(3))
    with mistake(errors.OperandError, TypeError, "returns one number", "NoneType"):
        gg.grad(lambda a: None)(1.0)
    with mistake(errors.OperandError, TypeError, "returns one number", "tuple"):
        gg.grad(lambda a: (a, a))(1.0)
    with mistake(errors.GradientError, ValueError, "bool", "no gradient"):
        gg.grad(lambda a: a > 0)(1.0)
    with mistake(errors.OperandError, TypeError, "checkpoint", "one tensor"):
        gg.checkpoint(lambda a: (a, a))(gg.tensor(1.0))


def test_tangents_and_upstream_gradients_that_do_not_fit():
    with mistake(errors.ShapeError, ValueError, "tangent of x", "float64[3]", "(2,)"):
        gg.jvp(lambda x: np.sin(x), (np.ones(3),), (np.ones(2),))
    with mistake(errors.ShapeError, ValueError, "2 primals", "got 1"):
        gg.jvp(np.add, (1.0, 2.0), (1.0,))
    _, pullback = gg.vjp(np.sin, np.ones(3))
    with mistake(errors.ShapeError, ValueError, "(2,)", "(3,)"):
        pullback(np.ones(2))
    with mistake(errors.ShapeError, ValueError, "1 outputs", "got 2"):
        pullback([np.ones(3), np.ones(3)])


def test_a_parameter_changed_after_the_loss():
    w = gg.Parameter(np.ones(2), "w")
    loss = np.sum(w * w)
    w.value = np.zeros(2)
    with pytest.raises(errors.StaleError, match="parameter 'w' got a new value after multiply") as caught:
        loss.backward()
    assert isinstance(caught.value, RuntimeError)
    assert "loss = np.sum(w * w)" in str(caught.value)
    assert "compute the loss again" in str(caught.value)
    assert HERE in str(caught.value)


def test_a_parameter_keeps_its_shape():
    w = gg.Parameter(np.ones((2, 3)), "w")
    with mistake(errors.ShapeError, ValueError, "w: float64[2, 3]", "shape (3, 2)"):
        w.value = np.ones((3, 2))
    with mistake(errors.OperandError, TypeError, "'w'", "complex"):
        w.value = np.ones((2, 3), complex)


def test_nan_is_named_by_check_gradient():
    def f(weights, data):
        return np.sum(np.log(data @ weights))

    with pytest.raises(errors.GradientError, match="not finite") as caught:
        gg.check_gradient(f, np.ones(2), np.array([[1.0, np.nan]]))
    assert "'data'" in str(caught.value)
    with np.errstate(all="ignore"), pytest.raises(errors.GradientError, match="= log") as caught:
        gg.check_gradient(f, np.ones(2), np.array([[1.0, -1.0]]))
    assert "return np.sum(np.log(data @ weights))" in str(caught.value)
    assert HERE in str(caught.value)


def test_nothing_to_check():
    with mistake(errors.GradientError, ValueError, "nothing to check"):
        gg.check_gradient(lambda n: n * 2, np.arange(3))
    with mistake(errors.OperandError, TypeError, "order must be 1 or 2, got 3"):
        gg.check_gradient(np.sin, 1.0, order=3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gg.tensr, ("tensr", "tensor")),
        (lambda: gg.numerical_gradient(np.sin, 1.0, method="middle"), ("'middle'", "central, forward, backward")),
        (lambda: gg.Graph([gg.tensor(1.0, "a") + gg.tensor(2.0, "b")]).wire("c"), ("wire 'c'", "a, b, add_1")),
    ],
)
def test_unknown_names_list_what_exists(call: Callable[[], Any], words: tuple[str, ...]):
    with pytest.raises((AttributeError, errors.UnknownNameError)) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
    assert not str(caught.value).startswith("'")


def test_graphs_say_which_input_does_not_fit():
    graph = gg.trace(lambda first, second: first @ second, np.ones((2, 3)), np.ones(3))
    with mistake(errors.ShapeError, ValueError, "input second", "float64[3]", "(4,)"):
        graph.run(np.ones((2, 3)), np.ones(4))
    with mistake(errors.OperandError, TypeError, "input first", "complex128"):
        graph.run(np.ones((2, 3), complex), np.ones(3))
    with mistake(errors.OperandError, TypeError, "2 inputs", "1 values"):
        graph.run(np.ones((2, 3)))


def test_sparse_matrices(x):
    sparse = pytest.importorskip("scipy.sparse")
    csr = sparse.csr_array(np.eye(4))
    with mistake(errors.OperandError, TypeError, "x: float64[4]", "sparse_matmul"):
        csr @ x
    with mistake(errors.OperandError, TypeError, "SciPy sparse matrix", "x @ y"):
        gg.sparse_matmul(np.eye(4), x)
    with mistake(errors.ShapeError, ValueError, "x: float64[4]"):
        gg.sparse_matmul(sparse.csr_array(np.eye(3)), x)


def test_random_draws():
    with mistake(errors.OperandError, TypeError, "a seed is a whole number", "float"):
        gg.random.key(0.5)
    with mistake(errors.DataError, ValueError, "seed", "2**64"):
        gg.random.key(-1)
    with mistake(errors.DataError, ValueError, "probability", "1.5"):
        gg.random.bernoulli(gg.random.key(0), 1.5, (3,))
    with mistake(errors.OperandError, TypeError, "float32 or float64"):
        gg.random.normal(gg.random.key(0), (2,), dtype=np.int64)


def test_a_wrong_gate_is_refused_where_it_is_defined():
    with mistake(errors.GradientError, ValueError, "gradient of gate 'cube' is wrong", "analytic", "numerical"):
        gg.gate(lambda x: x**3, lambda g, out, x: g * 3.001 * x**2, name="cube")
    with mistake(errors.OperandError, TypeError, "one rule an operand"):
        gg.gate(np.sin, [0.5])
    with mistake(errors.ShapeError, ValueError, "'product' has 2 rules and 1 example"):
        gg.gate(
            np.multiply, (lambda g, out, x, y: g * y, lambda g, out, x, y: g * x), name="product", example=(np.ones(2),)
        )
    with mistake(errors.GradientError, ValueError, "could not be checked", "example="):
        gg.gate(lambda x: x[5], lambda g, out, x: g, name="far")


def test_a_rule_that_returns_the_wrong_shape():
    with mistake(errors.GradientError, ValueError, "could not be checked", "gate 'total'", "float64[5]"):
        gg.gate(lambda x: np.sum(x), lambda g, out, x: np.ones(5) * g, name="total")


def test_errors_subclass_what_numpy_users_catch():
    usual = {
        errors.ShapeError: ValueError,
        errors.OperandError: TypeError,
        errors.IndexRangeError: IndexError,
        errors.DataError: ValueError,
        errors.UnknownNameError: KeyError,
        errors.SingularError: np.linalg.LinAlgError,
        errors.StaleError: RuntimeError,
    }
    for ours, theirs in usual.items():
        assert issubclass(ours, theirs)
        assert issubclass(ours, errors.GlassgradError)


def test_no_hint_names_a_function_that_tensors_answer():
    answered = {f"{f[0].__name__}.{f[1]}" if isinstance(f, tuple) else f.__name__ for f in ops.NUMPY}
    known = errors._INSTEAD.keys() & answered
    assert not known, f"tensors answer {known}: take their hints out of errors._INSTEAD"


def test_attributes_of_arrays_that_tensors_do_not_have(x):
    with mistake(errors.NoAttributeError, AttributeError, ".nonzero", "np.nonzero", ".value.nonzero"):
        x.nonzero()
    with mistake(errors.NoAttributeError, AttributeError, ".numpy", "use .value"):
        x.numpy()
    assert not hasattr(x, "fill")
    assert "fill" not in dir(x)
    assert "flatten" in dir(x)


def test_a_line_without_source_leaves_no_blank_line():
    with pytest.raises(errors.ShapeError) as caught:
        exec("import numpy as np, glassgrad as gg\ngg.tensor(np.ones(3)) @ gg.tensor(np.ones(2))", {})
    assert str(caught.value).endswith("<string>:2")


def test_positions_of_arguments(x):
    f, w = (lambda w, b: np.sum(w * b)), np.ones(2)
    for argnums, word in (
        ("w", "not 'w'"),
        (None, "not None"),
        (True, "not True"),
        (2, "2 were given"),
        ((0, 0), "twice"),
    ):
        with mistake(errors.OperandError, TypeError, "argnums", word):
            gg.grad(f, argnums)(w, w)
    with mistake(errors.OperandError, TypeError, "argnums", "by position"):
        gg.grad(f)(w=w, b=w)
    with mistake(errors.OperandError, TypeError, "argnums=3"):
        gg.numerical_gradient(f, w, w, argnums=3)
    with mistake(errors.ShapeError, ValueError, "one number", "float64[2]"):
        gg.numerical_gradient(lambda w: w * 2, w)
    assert gg.grad(f, np.int64(1))(w, w).tolist() == [1.0, 1.0]
    with mistake(errors.ShapeError, ValueError, "tangent of w", "()"):
        gg.hvp(f, w, 1.0, w)


def test_arrays_that_mean_more_than_their_numbers():
    with mistake(errors.OperandError, TypeError, "masked array", ".filled"):
        gg.tensor(np.ma.array([1.0, 2.0], mask=[False, True]), "m")
    with pytest.warns(PendingDeprecationWarning), mistake(errors.OperandError, TypeError, "np.matrix", "np.asarray"):
        gg.tensor([[1.0]]) * np.matrix([[1.0]])


def test_item_of_an_array(x):
    with mistake(errors.ShapeError, ValueError, "item()", ".value"):
        x.item()
