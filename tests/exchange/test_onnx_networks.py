"""Networks in onnxruntime: every hidden unit, every distribution, any number of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import distributions, nn
from glassgrad.errors import DataError, OperandError, ShapeError, UnsupportedError
from glassgrad.ops import composed

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

ROWS = (1, 7, 1000)
UNITS: dict[str, Any] = {
    "relu": nn.ReLU, "absolute": nn.AbsoluteValue, "leaky": lambda: nn.LeakyReLU(0.2), "prelu": nn.PReLU,
    "prelu a unit": lambda: nn.PReLU(8), "rrelu": nn.RandomizedReLU, "elu": lambda: nn.ELU(1.3),
    "maxout": lambda: nn.Maxout(2), "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softplus": nn.Softplus,
    "hardtanh": lambda: nn.HardTanh(-0.5, 0.8), "softmax": nn.Softmax, "identity": nn.Identity,
    "dropout": lambda: nn.Dropout(0.5), "radial": lambda: nn.RadialBasis(8, 6, seed=4),
}  # fmt: skip


def test_every_hidden_unit_is_in_the_list() -> None:
    kinds = {type(make()) for make in UNITS.values()}
    layers = {k for k in vars(nn).values() if isinstance(k, type) and issubclass(k, nn.Layer)}
    assert layers - kinds == {nn.Layer, nn.Linear, nn.Sequential}


def session(model: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def rows(n: int, width: int = 5, dtype: str = "float32") -> Any:
    return (2 * np.random.default_rng(n).normal(size=(n, width))).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("unit", UNITS)
def test_every_hidden_unit_for_any_number_of_rows(unit: str, dtype: str) -> None:
    made = UNITS[unit]()
    if unit == "radial" and dtype == "float64":
        made = nn.RadialBasis(8, 6, seed=4, dtype=dtype)
    if unit.startswith("prelu") and dtype == "float64":
        made = nn.PReLU(made.units, dtype=dtype)
    width = {"maxout": 4, "radial": 6}.get(unit, 8)
    net = nn.Sequential(nn.Linear(5, 8, dtype=dtype), made, nn.Linear(width, 3, dtype=dtype)).initialise(2)
    ran = session(gg.exchange.to_onnx(net))
    for n in ROWS:
        got = ran.run(None, {"X": rows(n, dtype=dtype)})[0]
        assert got.dtype == dtype
        np.testing.assert_allclose(got, net(rows(n, dtype=dtype)).value, rtol=1e-5, atol=1e-5)


LOSSES = {
    **{name: kind() for name, kind in distributions.DISTRIBUTIONS.items()},
    "negative_binomial 3": distributions.NegativeBinomial(3.5),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("outputs", [2, 4])
def test_means_and_predictions_of_every_distribution(name: str, outputs: int) -> None:
    net, loss = nn.Linear(5, outputs, seed=1), LOSSES[name]
    ran = session(gg.exchange.to_onnx(net, distribution=loss))
    for n in ROWS:
        x = 3 * rows(n)
        output, mean, prediction = ran.run(None, {"X": x})
        raw = net(x).value
        np.testing.assert_allclose(output, raw, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(mean, loss.mean(raw), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(prediction, loss.predict(raw), rtol=1e-5, atol=1e-5)


def test_one_output_a_row_is_predicted_as_one_number() -> None:
    net = nn.Linear(5, 1, seed=1)
    ran = session(gg.exchange.to_onnx(net, distribution=distributions.Bernoulli()))
    for n in ROWS:
        assert ran.run(["prediction"], {"X": rows(n)})[0].shape == (n,)


class Odd(nn.Layer):
    """What real layers may do: attention over rows, sorting, indices, shapes asked for, an Einstein sum."""

    def __init__(self) -> None:
        self.W = nn.weight((6, 6), nn.GlorotUniform())

    def forward(self, x: Any) -> Any:
        n = x.shape[0]
        pairs = np.reshape(x, (n, 2, 3))
        turned = np.transpose(pairs, (0, 2, 1)).reshape((n * 3, 2))[::-1]
        best = np.take_along_axis(x, np.argsort(x, axis=1)[:, -2:], axis=1)
        centred = x - np.mean(x, axis=0) + np.ones((n, 1), x.dtype)
        shares = composed.softmax(np.einsum("ij,jk,nk->ni", self.W, self.W, centred))
        last = np.cumsum(x, axis=0)[n - 1]
        joined = np.concatenate([shares, best, np.reshape(turned, (n, 6)), x[:, [0, 3]], x[:, ::-2]], axis=1)
        return joined + np.std(x) + np.sum(last) / 1000 + np.pad(x, ((0, 0), (9, 4)))


def test_a_layer_that_uses_many_gates_and_the_number_of_rows() -> None:
    net = Odd().initialise(1)
    ran = session(gg.exchange.to_onnx(net, rows(3, 6)))
    for n in ROWS:
        got = ran.run(None, {"X": rows(n, 6)})[0]
        np.testing.assert_allclose(got, net(rows(n, 6)).value, rtol=1e-4, atol=1e-5)


class Function(nn.Layer):
    def __init__(self, f: Any) -> None:
        self.f = f

    def forward(self, x: Any) -> Any:
        return self.f(x)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x * np.arange(x.shape[0] ** 2)[:: x.shape[0], None], "depends on the number of rows"),
        (lambda x: x / x.shape[0] ** 2, "depends on the number of rows"),
        (lambda x: np.exp(x) if x.shape[0] > 20 else x, "other gates for other numbers of rows"),
        (lambda x: x @ np.linalg.inv(x.T @ x), "the gate 'inv': ONNX has no such linear algebra"),
        (lambda x: gg.random.uniform(gg.random.key(0), x.shape, np.float32) + x, "depends on the number of rows"),
        (lambda x: np.broadcast_to(x, (x.shape[0] % 5 + 1, *x.shape)), "which is no straight line"),
    ],
)
def test_what_onnx_cannot_say_is_refused_with_the_reason(f: Any, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        gg.exchange.to_onnx(Function(f), rows(2))


def test_a_gate_of_ones_own_is_named() -> None:
    cube = gg.gate(lambda x: x**3, lambda g, out, x: 3 * g * x**2, name="cube")
    with pytest.raises(UnsupportedError, match="the gate 'cube': it is a gate of your own"):
        gg.exchange.to_onnx(Function(cube), rows(2))


def test_float64_written_as_float32() -> None:
    net = nn.Sequential(nn.Linear(5, 8, seed=1, dtype="float64"), nn.ELU(), nn.Linear(8, 2, seed=2, dtype="float64"))
    ran = session(gg.exchange.to_onnx(net, dtype="float32"))
    got = ran.run(None, {"X": rows(7)})[0]
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, net(rows(7)).value, rtol=1e-5, atol=1e-5)
    with pytest.raises(OperandError, match="dtype is float32, float64 or None"):
        gg.exchange.to_onnx(net, dtype="int8")


def test_the_width_is_asked_for_where_no_layer_says_it() -> None:
    net = nn.Sequential(nn.Maxout(2), nn.Linear(3, 2, seed=0))
    with pytest.raises(ShapeError, match=r"(?s)does not take rows of shape \(3,\).*to_onnx\(net, X\)"):
        gg.exchange.to_onnx(net)
    got = session(gg.exchange.to_onnx(net, rows(2, 6))).run(None, {"X": rows(7, 6)})[0]
    np.testing.assert_allclose(got, net(rows(7, 6)).value, rtol=1e-5, atol=1e-6)
    with pytest.raises(UnsupportedError, match="No layer says"):
        gg.exchange.to_onnx(nn.ReLU())


def test_names_in_the_file_are_those_of_the_network(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)).initialise(0)
    model = gg.exchange.to_onnx(net, path=tmp_path / "net.onnx")
    again = onnx.load(tmp_path / "net.onnx")
    assert again == model
    assert {"0.W", "0.b", "2.W", "2.b"} <= {t.name for t in again.graph.initializer}
    assert [n.op_type for n in again.graph.node if n.op_type != "Identity"][-5:] == [
        "MatMul",
        "Add",
        "Max",
        "MatMul",
        "Add",
    ]
    assert again.graph.node[-2].name.startswith("2.Linear/")
    assert "0.Linear" in again.graph.doc_string
    assert [(d.domain, d.version) for d in again.opset_import] == [("", 18)]


def test_files_are_not_overwritten_silently(tmp_path: Path) -> None:
    net = nn.Linear(2, 1, seed=0)
    gg.exchange.to_onnx(net, path=tmp_path / "a.onnx")
    with pytest.raises(DataError, match="exists; name another file, or say overwrite=True"):
        gg.exchange.to_onnx(net, path=tmp_path / "a.onnx")
    gg.exchange.to_onnx(net, path=tmp_path / "a.onnx", overwrite=True)
    with pytest.raises(DataError, match="is a folder"):
        gg.exchange.to_onnx(net, path=tmp_path, overwrite=True)
    with pytest.raises(DataError, match="there is no folder"):
        gg.exchange.to_onnx(net, path=tmp_path / "b" / "a.onnx")


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UnsupportedError, match=r'pip install "glassgrad\[onnx\]"'):
        gg.exchange.to_onnx(nn.Linear(2, 1, seed=0))
