"""The proof of a graph's gradients, gate by gate.

Everything is checked in float64, whatever dtype the function runs in: by central differences, with
a step chosen for each element, random draws and stopped gradients held fixed. Each gate is checked
alone, at the operands it was recorded with, so that a wrong rule is named itself and not only the
inputs whose gradients pass through it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from glassgrad.differences import EPS
from glassgrad.errors import GradientError, OperandError, ShapeError, reason
from glassgrad.graphs import Graph, trace
from glassgrad.op import Op
from glassgrad.reports import Check, GradientReport, Verdict
from glassgrad.sweep import fit, sweep
from glassgrad.tensors import Tensor, constant, tensor
from glassgrad.transforms import grad, hvp, jvp
from glassgrad.wire import Wire

STEPS = (1.0, 0.1, 10.0, 0.01, 1e-3)
"""Multiples of the usual step that are tried, in this order, before a gradient is called wrong."""


def check_gradient(
    f: Any,
    *args: Any,
    order: int = 1,
    tolerance: float = 1e-6,
    elements: int = 40,
    max_gates: int = 1000,
    seed: int = 0,
) -> GradientReport:
    """Compare every gradient in a function's graph with finite differences, in float64.

    Each gate is checked alone at its recorded inputs, with a random upstream gradient: some elements
    one by one, all of them along a random direction, forward mode too. Then each input is checked
    through the whole graph.

    Parameters
    ----------
    f : callable or Tensor
        A function of `args`, or a tensor already computed.
    *args : arrays, numbers, tensors or trees of them
        Where to check. Integer arguments are held fixed.
    order : {1, 2}
        2 checks the gates' second derivatives as well.
    tolerance : float
        Largest relative error that passes.
    elements : int
        Most elements of one operand that are perturbed one by one.
    max_gates : int
        In larger graphs, this many gates are drawn at random.
    seed : int
        Seed of the draws.

    Returns
    -------
    GradientReport
        Falsy if anything is wrong. An element that sits on a kink (ReLU at 0), where the gradient is
        one of the two slopes or between them, passes with the verdict "kink crossed".

    Raises
    ------
    GradientError
        When there is no floating input, or a value on some wire is not finite: the message names it.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> report = gg.check_gradient(lambda w: np.sum(np.tanh(w) ** 2), np.array([0.1, 0.2]))
    >>> bool(report)
    True
    """
    if order not in (1, 2):
        raise OperandError(f"order must be 1 or 2, got {order}")
    graph = Graph([f]) if isinstance(f, Tensor) else trace(f, *args)
    graph = _in_float64(graph)
    inputs = [w for w in graph.inputs if w.dtype.kind == "f"]
    if not inputs or not any(w.dtype.kind == "f" for w in graph.outputs):
        raise GradientError("nothing to check: no floating input, or no floating result")
    for wire in graph.wires:
        values = wire._value if wire.parts is not None else (wire._value,)
        if wire.dtype.kind == "f" and not all(np.all(np.isfinite(v)) for v in values):
            made = f" = {wire.op.name}(…)" if wire.op else ""
            raise GradientError(
                f"cannot check a gradient where values are not finite: '{graph.name(wire)}'{made} "
                "is the first wire with NaN or infinity",
                wire.location,
            )
    rng = np.random.default_rng(seed)
    checker = _Checker(tolerance, elements, rng)
    gates = [w for w in graph.gates if w.active and w.op is not None and w.op.name not in ("part", "identity")]
    skipped = max(0, len(gates) - max_gates)
    if skipped:
        gates = [gates[i] for i in np.sort(rng.choice(len(gates), max_gates, replace=False))]
    for gate in gates:
        checker.gate(graph, gate, order)
    checker.graph(graph)
    return GradientReport(checker.checks, tolerance, skipped, graph)


def _in_float64(graph: Graph) -> Graph:
    """The same graph in float64, with random draws held at the values they had.

    Stopped gradients become inputs of the result as well, so that a perturbation leaves them alone.
    """
    new: dict[int, Any] = {}
    outer = {w.serial for w in graph.inputs}
    held: list[Tensor] = []
    for wire in graph.wires:
        if wire.op is None or wire.serial in outer or wire.op.kind == "generator":
            if wire._value is None:
                _ = wire.value
            value = wire._value
            if wire.parts is None and wire.dtype.kind == "f" and not wire.weak:
                value = np.asarray(value, np.float64)
            made: Any = tensor(cast(Any, value)) if wire.active else constant(value)
        else:
            params = {k: _double(v) for k, v in wire.params.items()}
            made = wire.op(*[new[x.serial] for x in wire.operands], **params)
            if isinstance(made, tuple):
                made = made[0].operands[0]
            if wire.op.name == "stop_gradient":
                held.append(made)
        made.name, made.location, made.group = wire.name, wire.location, wire.group
        new[wire.serial] = made
    return Graph([new[w.serial] for w in graph.outputs], [*[new[w.serial] for w in graph.inputs], *held])


def _double(param: Any) -> Any:
    """A static parameter; a narrow floating dtype is widened."""
    narrow = ("float16", "float32", np.float16, np.float32, np.dtype("float16"), np.dtype("float32"))
    return "float64" if isinstance(param, str | type | np.dtype) and param in narrow else param


@dataclass
class _Checker:
    """Collects checks; knows the tolerance, how many elements to try, and where randomness comes from."""

    tolerance: float
    elements: int
    rng: np.random.Generator
    checks: list[Check] = field(default_factory=list)

    def gate(self, graph: Graph, gate: Wire, order: int) -> None:
        """Check each rule of one gate at its recorded operands."""
        op, xs = gate.op, [x._value for x in gate.operands]
        assert op is not None
        g = self._upstream(gate)
        learn = [i for i, x in enumerate(gate.operands) if x.active and not isinstance(op.rule(i), str)]
        base = {"name": graph.name(gate), "gate": op.name, "location": gate.location}
        for i in learn:
            rule: Any = op.rule(i)
            operand = gate.operands[i]
            try:
                analytic = fit(np.asarray(rule(g, gate._value, *xs, **gate.params)), operand, gate)
            except (GradientError, ShapeError) as error:
                raise GradientError(f"the rule of gate '{op.name}' cannot run: {reason(error)}") from error

            def value(x: Any, i: int = i) -> Any:
                return op.forward(*xs[:i], x, *xs[i + 1 :], **gate.params)

            facts = {**base, "operand": graph.name(operand)}
            self._compare("gate", facts, value, g, np.asarray(xs[i]), np.asarray(analytic))
            self._forward_mode(facts, op, gate, i, g)
        if order == 2 and learn:
            self._second({**base, "operand": "all"}, op, gate, learn, g)

    def graph(self, graph: Graph) -> None:
        """Check each input through the whole graph."""
        outs = [w for w in graph.outputs if w.dtype.kind == "f"]
        gs = [self._upstream(w) for w in outs]
        upstream: dict[Wire, Any] = {}
        for w, g in zip(outs, gs, strict=True):
            upstream[w] = g if w not in upstream else upstream[w] + g
        gradients = sweep(upstream, [w for w in graph.inputs if w.op is None])
        values = [w._value for w in graph.inputs]
        runner = Graph(outs, graph.inputs)
        for n, wire in enumerate(graph.inputs):
            if wire.op is not None or not wire.active:
                continue
            analytic = gradients.get(wire.serial)
            analytic = np.zeros(wire.shape) if analytic is None else np.asarray(analytic)

            def value(x: Any, n: int = n) -> Any:
                return tuple(runner.run(*values[:n], x, *values[n + 1 :]))

            facts = {"name": graph.name(wire), "gate": "", "operand": "", "location": None}
            self._compare("input", facts, value, tuple(gs), np.asarray(wire._value), analytic)

    def _upstream(self, wire: Any) -> Any:
        """A random upstream gradient for a wire; a tuple for several outputs, zeros for whole numbers."""
        specs = wire.parts if wire.parts is not None else (wire,)
        gs = tuple(
            np.asarray(self.rng.normal(size=s.shape) if s.dtype.kind == "f" else np.zeros(s.shape)) for s in specs
        )
        return gs if wire.parts is not None else gs[0]

    def _compare(self, part: str, facts: dict[str, Any], f: Any, g: Any, x: Any, analytic: Any) -> None:
        """Compare a gradient with differences: sampled elements one by one, then all along one direction."""
        if x.size == 0:
            return
        found = []
        flat = np.arange(x.size)
        if x.size > self.elements:
            flat = np.sort(self.rng.choice(x.size, self.elements, replace=False))
        for k in flat:
            index = np.unravel_index(k, x.shape) if x.ndim else ()
            direction = np.zeros(x.shape)
            direction[index] = 1.0
            found.append(
                self._one(
                    f, g, x, direction, float(analytic[index]), abs(float(x[index])), tuple(int(i) for i in index)
                )
            )
        if x.size > len(flat):
            direction = self.rng.normal(size=x.shape)
            size = float(np.max(np.abs(x)))
            found.append(self._one(f, g, x, direction, float(np.sum(analytic * direction)), size, ()))
        severity = {"not finite": 3, "wrong": 2, "kink crossed": 1, "ok": 0}
        worst = max(found, key=lambda c: (severity[c["verdict"]], c["error"]))
        self.checks.append(Check(part=part, **facts, **worst))

    def _one(
        self, f: Any, g: Any, x: Any, direction: Any, analytic: float, size: float, index: tuple[int, ...]
    ) -> dict[str, Any]:
        """Compare one directional derivative; smaller and larger steps are tried before it is called wrong."""
        best: dict[str, Any] = {"error": math.inf, "numerical": math.nan, "step": 0.0}
        slopes: dict[float, tuple[float, float, float]] = {}
        usual = EPS ** (1 / 3) * max(1.0, size)
        steps = [factor * usual for factor in STEPS]
        if 0 < size < 0.1:
            steps += [EPS ** (1 / 3) * size * factor for factor in (1.0, 10.0, 100.0)]
        for h in steps:
            with np.errstate(all="ignore"):
                up, down = _weighted(f(_scalar(x + h * direction)), g), _weighted(f(_scalar(x - h * direction)), g)
                middle = _weighted(f(_scalar(x)), g)
            numerical = (up[0] - down[0]) / (2 * h)
            noise = 4 * EPS * max(up[1], down[1], 0.0 if analytic else max(1.0, size)) / h
            gap = abs(numerical - analytic)
            error = max(0.0, gap - noise) / max(abs(numerical), abs(analytic), 1e-12)
            if gap <= noise:
                error = 0.0
            left, right = (middle[0] - down[0]) / h, (up[0] - middle[0]) / h
            slopes[h] = (left, right, noise)
            if error < best["error"]:
                best = {"error": error, "numerical": numerical, "step": h}
            bent = abs(right - left) > 1e-3 * max(abs(left), abs(right)) + 10 * noise
            if best["error"] <= self.tolerance and not (bent and len(slopes) < 4):
                break
        verdict: Verdict = "ok"
        if not (math.isfinite(analytic) and math.isfinite(best["numerical"])):
            verdict = "not finite"
        elif len(slopes) >= 4 and self._kink(slopes[steps[1]], slopes[steps[3]], analytic):
            verdict = "kink crossed"
        elif best["error"] > self.tolerance:
            verdict = "wrong"
        return {**best, "analytic": analytic, "index": index, "verdict": verdict}

    def _kink(self, wide: tuple[float, float, float], narrow: tuple[float, float, float], analytic: float) -> bool:
        """Whether the two one-sided slopes stay apart as the step shrinks, with the gradient between them."""
        (l1, r1, n1), (l2, r2, n2) = wide, narrow
        apart = abs(r1 - l1) > 10 * n1 and abs(r2 - l2) > 10 * n2
        still = abs(r2 - l2) > 0.5 * abs(r1 - l1) - 2 * n2
        slack = 1e-4 * max(abs(l1), abs(r1)) + 2 * n1
        return apart and still and min(l1, r1) - slack <= analytic <= max(l1, r1) + slack

    def _forward_mode(self, facts: dict[str, Any], op: Op, gate: Any, i: int, g: Any) -> None:
        """Compare the derived forward mode of one gate with the differences along a random direction."""
        xs = [x._value for x in gate.operands]
        x = np.asarray(xs[i], np.float64)
        if x.size == 0:
            return
        direction = self.rng.normal(size=x.shape)
        _, tangent = jvp(lambda t: op(*xs[:i], t, *xs[i + 1 :], **gate.params), (x,), (direction,))

        def value(t: Any) -> Any:
            return op.forward(*xs[:i], t, *xs[i + 1 :], **gate.params)

        gs, ts = (g, tangent) if isinstance(g, tuple) else ((g,), (tangent,))
        analytic = float(sum(np.sum(a * b) for a, b in zip(gs, ts, strict=True)))
        found = self._one(value, g, x, direction, analytic, float(np.max(np.abs(x))), ())
        self.checks.append(Check(part="forward mode", **facts, **found))

    def _second(self, facts: dict[str, Any], op: Op, gate: Any, learn: list[int], g: Any) -> None:
        """Compare a gate's Hessian along a random direction with differences of its gradient."""
        xs = [x._value for x in gate.operands]
        points = [np.asarray(xs[i], np.float64) for i in learn]
        if any(p.size == 0 for p in points):
            return
        sizes = np.cumsum([p.size for p in points])[:-1]

        def split(flat: Any) -> list[Any]:
            return [np.reshape(part, p.shape) for part, p in zip(np.split(flat, sizes), points, strict=True)]

        def weighted(parts: list[Any]) -> Any:
            full = list(xs)
            for i, part in zip(learn, parts, strict=True):
                full[i] = part
            out = op(*full, **gate.params)
            outs, gs = (out, g) if isinstance(out, tuple) else ((out,), (g,))
            total: Any = 0.0
            for o, weight in zip(outs, gs, strict=True):
                total = total + np.sum(o * weight)
            return total

        flat = np.concatenate([p.ravel() for p in points])
        direction = self.rng.normal(size=flat.shape)
        upstream = self.rng.normal(size=flat.shape)
        second = hvp(weighted, [p[()] for p in points], [d[()] for d in split(direction)])
        analytic = float(np.sum(np.concatenate([np.ravel(s) for s in second]) * upstream))

        def slope(at_: Any) -> Any:
            return np.concatenate([np.ravel(s) for s in grad(weighted)([p[()] for p in split(at_)])])

        found = self._one(slope, upstream, flat, direction, analytic, float(np.max(np.abs(flat))), ())
        self.checks.append(Check(part="order 2", **facts, **found))


def _scalar(x: Any) -> Any:
    return x[()] if x.ndim == 0 else x


def _weighted(out: Any, g: Any) -> tuple[float, float]:
    """Outputs weighted with the upstream gradient and summed; and the sum of absolute terms, for rounding."""
    outs, gs = (out, g) if isinstance(out, tuple) else ((out,), (g,))
    terms = [np.asarray(o, np.float64) * w for o, w in zip(outs, gs, strict=True)]
    return float(sum(np.sum(t) for t in terms)), float(sum(np.sum(np.abs(t)) for t in terms))
