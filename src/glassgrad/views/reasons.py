"""Reasons: in one sentence, why a gradient is absent, zero, tiny, huge or not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.errors import no_path, spec_text
from glassgrad.sweep import sweep
from glassgrad.tensors import Tensor
from glassgrad.views import causes
from glassgrad.views.causes import Cause, where
from glassgrad.views.elements import Array, flat, handed, is_elementwise, size, slopes, stops, terms
from glassgrad.views.numbers import number
from glassgrad.views.paths import element, found, position
from glassgrad.views.routes import reach
from glassgrad.wire import topological

TINY, HUGE = 1e-7, 1e4
"""Gradients below and above are called tiny and huge, unless asked otherwise."""
SHRINKS = 0.9
"""A factor on the way is one that matters below this, or above its inverse."""
CANCELS = 1e-3
"""Terms cancel where this share of them or less is left."""


class Why(str):
    """One sentence on a gradient: text that also holds what it says as data.

    Attributes
    ----------
    kind : str
        "absent", "not finite", "zero", "tiny", "huge" or "ordinary".
    reason : str
        A code: "frozen", "constant", "integer", "no path", "unused", "stopped", "blocked"; "off", "saturated",
        "other branch", "clipped", "times zero", "flat", "cancels", "underflow"; "factor", "shrinks", "grows";
        "log of 0", "log of a negative", "division by 0", "root of a negative", "overflow", "infinite slope", "0·∞",
        "bad data", "not finite"; "ordinary".
    wire : str
        The name of the wire where it happens.
    location
        The user's line that made this wire, where there is one.
    """

    kind: str
    reason: str
    wire: str
    location: Any

    def __new__(cls, text: str, kind: str, reason: str, wire: str = "", location: Any = None) -> Why:
        """Text with its data; see the class."""
        self = super().__new__(cls, text)
        self.kind, self.reason, self.wire, self.location = kind, reason, wire, location
        return self

    def __repr__(self) -> str:
        return str(self)

    def __getnewargs__(self) -> Any:
        return (str(self), self.kind, self.reason, self.wire)


def why(loss: Tensor, w: Tensor | str, index: Any = None, *, tiny: float = TINY, huge: float = HUGE) -> Why:
    """In one sentence: why the gradient of a loss by a wire is absent, zero, tiny, huge, not finite, or ordinary.

    The gradient is followed back from the loss to the wire, through those numbers only that depend on the wire, and
    the sentence names the first place where it vanished, blew up or was no number any more.

    Parameters
    ----------
    loss : Tensor
        A single number.
    w : Tensor or str
        A wire, or its name.
    index : int or tuple of int, optional
        One number of `w`; by default all are meant together.
    tiny, huge : float
        A gradient whose largest number is smaller than the one or larger than the other is explained.

    Returns
    -------
    Why
        The sentence, with `kind`, `reason`, `wire` and `location`.

    Raises
    ------
    OperandError, GradientError
        For something that is no loss, no wire, or no number of it.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> x, w = gg.tensor([1.0, 2.0], "x"), gg.tensor(-3.0, "w")
    >>> h = gg.relu(w * x).named("h")
    >>> answer = gg.why(np.sum(h).named("J"), w)
    >>> print(answer)
    ∂J/∂w is zero: relu (h) at ...:1 is off for all 2 numbers.
    >>> answer.reason, answer.wire
    ('off', 'h')
    """
    return _Inquiry(loss, w, index).answer(tiny, huge)


class _Inquiry:
    """One question, and what is known of the way from the loss to the wire it asks about."""

    def __init__(self, loss: Any, w: Any, index: Any) -> None:
        self.graph, self.w = found(loss, w, "why")
        self.loss = loss
        self.name = self.graph.names.get(self.w.serial) or self.w.name or "w"
        self.mask = np.ones(size(self.w), bool)
        title = self.name
        if index is not None:
            k = position(self.w, index, self.name)
            self.mask = np.arange(size(self.w)) == k
            title = element(self.name, tuple(int(n) for n in np.unravel_index(k, self.w.shape)))
        self.title, self.goal = title, self.graph.name(loss)
        self.masks: dict[int, Array] = {}
        self.raw: dict[int, Any] = {}

    def answer(self, tiny: float, huge: float) -> Why:
        """The sentence."""
        cause = self.absence()
        if cause is not None:
            return self.say(f"{self.goal} has no gradient by {self.title}", "absent", cause)
        with np.errstate(all="ignore"):
            self.raw = sweep({self.loss: np.ones(self.loss.shape, self.loss.dtype)[()]}, [self.w])
            self.on_way = [x for x in self.graph.wires if x.serial in self.masks]
            g = self.gradient(self.w)
            what = f"∂{self.goal}/∂{self.title}"
            if not np.all(np.isfinite(g)):
                bad = "NaN" if np.isnan(g).any() else "infinite"
                return self.say(f"{what} is {bad}", "not finite", self.breaking())
            most = float(np.max(np.abs(g)))
            if most == 0:
                return self.say(f"{what} is zero", "zero", *self.vanishing())
            if most < tiny or most > huge:
                kind = "tiny" if most < tiny else "huge"
                size_ = number(g[0]) if g.size == 1 else f"at most {number(most)}"
                return self.say(f"{what} is {kind} ({size_})", kind, self.scaling(kind == "tiny"))
        return self.ordinary(what, g)

    def say(self, head: str, kind: str, *all_: Cause) -> Why:
        """Head and causes as a sentence."""
        texts = list(dict.fromkeys(c.text for c in all_))
        more = f", and {len(texts) - 2} more" if len(texts) > 2 else ""
        text = f"{head}: {'; and '.join(texts[:2])}{more}."
        wire = all_[0].wire
        return Why(text, kind, all_[0].code, self.graph.names.get(wire.serial, self.name), wire.location)

    def ordinary(self, what: str, g: Array) -> Why:
        if g.size == 1:
            said = number(g[0])
        else:
            said = f"between {number(g.min())} and {number(g.max())}"
            zeros = g.size - np.count_nonzero(g)
            said += f"; {zeros:,} of its {g.size:,} numbers {'is' if zeros == 1 else 'are'} 0" if zeros else ""
        return Why(f"{what} is ordinary: {said}.", "ordinary", "ordinary", self.name, self.w.location)

    def absence(self) -> Cause | None:
        """Why there is no gradient at all; nothing where there is one."""
        w, name = self.w, self.title
        if w.dtype.kind != "f":
            return Cause("integer", no_path(w), w)
        if getattr(w, "frozen", False):
            return Cause("frozen", f"{no_path(w)}; set {name}.frozen = False to let it learn", w)
        if w.serial not in self.graph.names:
            text = f"no path leads from {name} to {self.goal}, which was not computed from it"
            return Cause("no path", f"{text} (or through .value, or inside gg.no_grad())", w)
        if not w.active and w.op is None:
            return Cause("constant", no_path(w), w)
        if not self.mask.any():
            return Cause("unused", f"{name} is {spec_text(w)} and holds no numbers", w)
        self.masks, stopped = reach(self.graph, w, self.mask)
        if self.loss.serial in self.masks and w.active:
            return None
        if not stopped and not w.active:
            return Cause("blocked", no_path(w), w)
        if not stopped:
            return Cause("unused", f"nothing on the way to {self.goal} uses {name}", w)
        gate, reason = stopped[0]
        code = "stopped" if gate.op.name == "stop_gradient" else "blocked"
        code = "integer" if code == "blocked" and gate.dtype.kind != "f" and not isinstance(reason, str) else code
        others = f"; so do {len(stopped) - 1} other gates" if len(stopped) > 2 else ""
        return Cause(code, f"{where(gate)} lets none pass ({reason}){others}", gate)

    def gradient(self, x: Any) -> Array:
        """The gradient on those numbers of a wire that depend on what is asked about."""
        raw = self.raw.get(x.serial)
        return np.zeros(int(self.masks[x.serial].sum())) if raw is None else flat(x, raw)[self.masks[x.serial]]

    def uses(self, x: Any) -> list[tuple[Any, int]]:
        """The gates on the way that a wire goes into, and as which operand."""
        return [
            (gate, i)
            for gate in self.on_way
            if gate.serial > x.serial
            for i, operand in enumerate(gate.operands)
            if operand is x and not stops(gate, i)
        ]

    def part(self, gate: Any, i: int) -> Array:
        """What a gate hands one operand, on those of its numbers that matter."""
        x, raw = gate.operands[i], self.raw.get(gate.serial)
        mask = self.masks[x.serial]
        return np.zeros(int(mask.sum())) if raw is None else flat(x, handed(gate, i, raw))[mask]

    def vanishing(self) -> list[Cause]:
        """Where a gradient that is zero became so, on every way that it could have come."""
        alive = {x.serial: bool(np.any(self.gradient(x))) for x in self.on_way}
        return [
            self.death(x, uses)
            for x in reversed(self.on_way)
            if not alive[x.serial] and (uses := [u for u in self.uses(x) if alive[u[0].serial]])
        ]

    def death(self, x: Any, uses: list[tuple[Any, int]]) -> Cause:
        """Why a wire gets zero from gates that get more."""
        parts = [self.part(gate, i) for gate, i in uses]
        given = [(u, p) for u, p in zip(uses, parts, strict=True) if np.any(p)]
        if given:
            k = int(np.flatnonzero(given[0][1])[0])
            names = " and ".join(self.graph.name(gate) for (gate, _), _ in given[:2])
            what = (
                f"at {self.graph.name(x)} the branches {names}"
                if len(given) == 2
                else f"at {self.graph.name(x)} branches"
            )
            return causes.cancelling(what, np.array([p[k] for _, p in given if p[k]]), x, 0.0)
        gate, i = uses[0]
        upstream = flat(gate, self.raw[gate.serial])
        marked = int(self.masks[gate.serial].sum())
        if is_elementwise(gate, x):
            places = np.flatnonzero(self.masks[gate.serial] & (upstream != 0))
            local = np.ravel(slopes(gate, i)).astype(np.float64)[places]
            if not np.any(local):
                return causes.slope(self.graph, gate, i, places, local, marked)
            products = local * upstream[places]
        else:
            k = int(np.flatnonzero(self.masks[x.serial])[0])
            local, arriving = terms(gate, i, k, upstream)
            products = local * arriving
            if not np.any(products) and not np.any((local != 0) & (arriving != 0)):
                return causes.factors(self.graph, gate, i, local, arriving)
        if not np.any(products.astype(gate.dtype)):
            return Cause("underflow", f"{where(gate)} hands back less than {gate.dtype} can hold", gate)
        return causes.cancelling(f"the terms of {where(gate)}", products[products != 0], gate, 0.0)

    def breaking(self) -> Cause:
        """Where a gradient that is not finite became so, the first place from the loss back."""
        for x in reversed(self.on_way):
            if np.all(np.isfinite(self.gradient(x))):
                continue
            for gate, i in self.uses(x):
                if np.all(np.isfinite(self.part(gate, i))):
                    continue
                return self.broken(gate, i)
            return Cause("overflow", f"the branches of {self.graph.name(x)} add up to more than {x.dtype} can hold", x)
        raise AssertionError("a gradient that is not finite has a first place where it is so")

    def broken(self, gate: Any, i: int) -> Cause:
        upstream, x = flat(gate, self.raw[gate.serial]), gate.operands[i]
        local = np.zeros(0)
        places = np.flatnonzero(self.masks[gate.serial])
        if is_elementwise(gate, x):
            local = np.ravel(slopes(gate, i)).astype(np.float64)[places]
            unused = ~np.isfinite(local) & (upstream[places] == 0)
            if unused.any() and np.all(np.isfinite(flat(x, x._value))):
                return causes.broken(gate, i, places, local, upstream[places])
        first = next((y for y in topological([gate]) if y.dtype.kind == "f" and not _finite(y)), None)
        if first is not None:
            return causes.birth(self.graph, first)
        if is_elementwise(gate, x):
            return causes.broken(gate, i, places, local, upstream[places])
        return Cause("overflow", f"{where(gate)} hands back what is not finite", gate)

    def scaling(self, shrinks: bool) -> Cause:
        """Which factors on the strongest way from the loss make a gradient tiny or huge."""
        x = self.w
        steps: list[tuple[float, Any, int]] = []
        while x is not self.loss:
            parts = [(self.part(gate, i), gate, i) for gate, i in self.uses(x)]
            sizes = [float(np.max(np.abs(p))) for p, *_ in parts]
            best, own = int(np.argmax(sizes)), float(np.max(np.abs(self.gradient(x))))
            if shrinks and own < CANCELS * sizes[best]:
                k = int(np.argmax(np.abs(parts[best][0])))
                return causes.cancelling(
                    f"at {self.graph.name(x)} the branches", np.array([p[k] for p, *_ in parts if p[k]]), x, own
                )
            _, gate, i = parts[best]
            steps.append((sizes[best] / float(np.max(np.abs(self.gradient(gate)))), gate, i))
            x = gate
        logs = np.log([f for f, *_ in steps])
        mattering = logs[logs < np.log(SHRINKS)] if shrinks else logs[logs > -np.log(SHRINKS)]
        k = int(np.argmin(logs) if shrinks else np.argmax(logs))
        factor, gate, i = steps[k]
        if logs[k] / mattering.sum() > 0.5:
            return self.factor(gate, i, factor)
        n, mean = mattering.size, float(np.exp(mattering.mean()))
        extreme = f"the {'smallest' if shrinks else 'largest'}, {number(factor)}, in {where(gate)}"
        code, verb = ("shrinks", "shrinks") if shrinks else ("grows", "grows")
        return Cause(code, f"it {verb} on the way, a product of {n:,} factors of about {mean:.2g}, {extreme}", gate)

    def factor(self, gate: Any, i: int, factor: float) -> Cause:
        """The one gate that makes the difference."""
        x = gate.operands[i]
        upstream = flat(gate, self.raw[gate.serial])
        if is_elementwise(gate, x):
            places = np.flatnonzero(self.masks[gate.serial] & (upstream != 0))
            local = np.ravel(slopes(gate, i)).astype(np.float64)[places]
            products = local * upstream[places]
            if factor < 1 and np.max(np.abs(products)) * CANCELS > factor * np.max(np.abs(upstream[places])):
                return causes.cancelling(f"the terms of {where(gate)}", products[products != 0], gate, factor)
            return causes.slope(self.graph, gate, i, places, local, int(self.masks[gate.serial].sum()))
        return causes.scaled(self.graph, gate, i, factor)


def _finite(wire: Any) -> bool:
    return bool(np.all(np.isfinite(flat(wire, wire._value))))
