"""Signs in the units: first weights, sizes of activations, dead and saturated units, layers that do not bend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from glassgrad.doctor.case import Case
from glassgrad.doctor.evidence import bars, shares
from glassgrad.doctor.findings import Finding
from glassgrad.doctor.input_signs import feature_sizes
from glassgrad.doctor.sites import Site
from glassgrad.doctor.thresholds import at
from glassgrad.views.numbers import number
from glassgrad.views.scores import share

Array = np.ndarray[Any, Any]
_ROWS = 64  # among which units are compared
_BY_WEIGHTS = 0.1  # of what the units pass on, less is left: it was lost in the products, and not in flat units


def unit_signs(case: Case) -> Iterator[Finding]:
    """What is wrong with the units of a network."""
    hidden = [s for s in case.sites if not s.last]
    yield from _weights(hidden)
    yield from _linear(case)
    yield from _sizes(case, hidden)
    yield from _quiet(case)


def _weights(hidden: Sequence[Site]) -> Iterator[Finding]:
    zero = [i for i, s in enumerate(hidden) if s.weight is not None and not np.any(s.weight.value)]
    if zero:
        rows = [(s.name, _norm(s.weight.value) if s.weight is not None else 0.0) for s in hidden]
        names = _listed([hidden[i].name for i in zero])
        yield Finding(
            "zero-weights", f"all weights of {names} are 0, so all its units are one and the same unit",
            bars("size of weights", rows, zero), units=_part([hidden[i] for i in zero], lambda s: _width(s)),
        )  # fmt: skip
    copied = [0.0 if i in zero else _copied(s) for i, s in enumerate(hidden)]
    sick = [i for i, part in enumerate(copied) if part >= at("copied units")]
    if sick:
        worst = max(sick, key=lambda i: copied[i])
        yield Finding(
            "symmetric-units",
            f"of the {_width(hidden[worst])} units of {hidden[worst].name}, {share(copied[worst], 0)} compute what "
            "another one does",
            shares("units that are copies", [(s.name, c) for s, c in zip(hidden, copied, strict=True)], sick),
            units=copied[worst],
        )


def _copied(site: Site) -> float:
    """The share of units that have the weights of another unit, and the same input on all rows: they stay alike."""
    W, before = None if site.weight is None else np.asarray(site.weight.value), site.before[:_ROWS]
    if (
        W is None
        or W.ndim != 2
        or W.shape[1] != before.shape[1]
        or before.shape[1] < 2
        or not np.isfinite(before).all()
    ):
        return 0.0
    _, group, counts = np.unique(np.vstack([W, before]), axis=1, return_inverse=True, return_counts=True)
    return float(np.mean(counts[np.ravel(group)] > 1))


def _linear(case: Case) -> Iterator[Finding]:
    ends = {w.serial: s for s in case.sites for w in s.exits}
    pairs = []
    for site in case.sites:
        fed = [ends[x.serial] for x in site.product.operands if x.serial in ends]
        pairs += [(before, site) for before in fed if before.affine and not before.mixed and site.weight is not None]
    if not pairs:
        return
    sick = {id(before) for before, _ in pairs}
    bent = [(s.name, float(np.ptp(s.slope) if not s.affine else 0.0)) for s in case.sites if not s.last]
    marked = [i for i, s in enumerate(s for s in case.sites if not s.last) if id(s) in sick]
    names = " and ".join(f"{a.name} and {b.name}" if i == 0 else b.name for i, (a, b) in enumerate(pairs[:3]))
    yield Finding(
        "no-nonlinearity", f"nothing bends between {names}",
        bars("how far the slopes of units differ between rows", bent, marked),
        units=_part([b for b, _ in pairs], lambda s: _width(s)),
    )  # fmt: skip


def _sizes(case: Case, hidden: Sequence[Site]) -> Iterator[Finding]:
    """Differences between rows, layer by layer: they carry all that can be learned."""
    if not hidden or len(case.probe.rows) < 2:
        return
    _, _, spread = feature_sizes(case)
    start = float(np.sqrt(np.mean(spread**2)))
    sizes = [float(np.sqrt(np.mean(np.var(s.before.astype(np.float64), axis=0)))) for s in hidden]
    rows = [("input", start), *((s.name, v) for s, v in zip(hidden, sizes, strict=True))]
    if not start > 0:
        return
    last = sizes[-1]
    passed = float(np.prod([np.sqrt(np.mean(np.square(s.slope, dtype=np.float64))) for s in hidden[:-1]]))
    if last < at("signal lost") * start and last < _BY_WEIGHTS * passed * start:
        yield Finding(
            "shrinking-activations",
            f"rows differ by {number(start)} at the input and by {number(last)} in the last hidden layer, "
            f"{hidden[-1].name}",
            bars("deviation between rows", rows, [i + 1 for i, v in enumerate(sizes) if v < at("signal lost") * start],
                 log=True),
        )  # fmt: skip
    limit = at("signal grown") * max(start, 1.0)
    if max(sizes) > limit:
        worst = int(np.argmax(sizes))
        yield Finding(
            "growing-activations",
            f"rows differ by {number(start)} at the input and by {number(sizes[worst])} in {hidden[worst].name}",
            bars("deviation between rows", rows, [i + 1 for i, v in enumerate(sizes) if v > limit], log=True),
        )


def _quiet(case: Case) -> Iterator[Finding]:
    """Units that are off on every row, or flat on nearly all."""
    judged = [s for s in case.sites if s.judged]
    few = len(case.probe.rows) < at("few rows")
    sided = [s for s in judged if s.one_sided]
    dead = [_mean((_rows(s.slope) == 0).all(axis=0)) for s in sided]
    yield from _told(
        case,
        "dead-units",
        sided,
        dead,
        1.0 if few else at("dead share"),
        "off on every row",
        lambda s: _mean(_rows(s.slope) == 0),
    )
    smooth = [s for s in judged if not s.one_sided]
    stuck = [_mean((np.abs(_rows(s.slope)) < at("flat slope")).mean(axis=0) >= at("flat rows")) for s in smooth]
    yield from _told(
        case, "saturated-units", smooth, stuck, 1.0 if few else at("stuck share"),
        f"flat on {share(at('flat rows'), 0)} of the rows or more",
        lambda s: _mean(np.abs(_rows(s.slope)) < at("flat slope")),
    )  # fmt: skip


def _told(
    case: Case, code: str, layers: Sequence[Site], parts: Sequence[float], limit: float, how: str,
    rows: Callable[[Site], float],
) -> Iterator[Finding]:  # fmt: skip
    sick = [i for i, part in enumerate(parts) if part >= limit]
    if not sick:
        return
    worst = max(sick, key=lambda i: parts[i])
    site = layers[worst]
    count = round(parts[worst] * _width(site))
    yield Finding(
        code, f"{count:,} of the {_width(site):,} units of {site.name} are {how}",
        shares(f"units that are {how}", [(s.name, p) for s, p in zip(layers, parts, strict=True)], sick),
        units=_part([layers[i] for i in sick], lambda s: parts[layers.index(s)] * _width(s)), rows=rows(site),
    )  # fmt: skip


def _rows(slope: Array) -> Array:
    return slope.reshape(len(slope), -1)


def _mean(flags: Array) -> float:
    return float(np.mean(flags)) if flags.size else 0.0


def _width(site: Site) -> int:
    return int(np.prod(site.product.shape[1:]))


def _part(layers: Sequence[Site], sick: Callable[[Site], float]) -> float:
    """The share of sick units among those of these layers."""
    return float(sum(sick(s) for s in layers) / sum(_width(s) for s in layers))


def _norm(value: Array) -> float:
    return float(np.sqrt(np.mean(np.asarray(value, np.float64) ** 2)))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
