"""Signs in the gradients: layers that get far too little or too much, parameters that get none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassgrad.doctor.case import Case
from glassgrad.doctor.evidence import bars
from glassgrad.doctor.findings import Finding
from glassgrad.doctor.probe import Probe
from glassgrad.doctor.sites import Site
from glassgrad.doctor.thresholds import at
from glassgrad.errors import no_path
from glassgrad.views.numbers import number
from glassgrad.wire import Wire, topological

Array = np.ndarray[Any, Any]


def gradient_signs(case: Case) -> Iterator[Finding]:
    """What is wrong with the gradients."""
    yield from _unused(case)
    layers = [s for s in case.sites if s.weight is not None and s.weight.serial in case.probe.gradients]
    sizes = [_size(case.probe, s) for s in layers]
    if len(layers) < 2 or not all(np.isfinite(sizes)) or not sizes[-1] > 0:
        return
    rows = [(_called(s), v) for s, v in zip(layers, sizes, strict=True)]
    least, limit = int(np.argmin(sizes)), at("gradient ratio")
    title = "gradient by what each layer's product puts out (root mean square)"
    if sizes[least] < limit * sizes[-1]:
        yield Finding(
            "vanishing-gradients",
            f"{rows[least][0]} gets {_times(sizes[least] / sizes[-1])} of the gradient that {rows[-1][0]} gets",
            bars(title, rows, [i for i, v in enumerate(sizes) if v < limit * sizes[-1]], log=True),
            units=float(np.mean([v < limit * sizes[-1] for v in sizes])),
        )
    most = int(np.argmax(sizes))
    if sizes[most] > sizes[-1] / limit:
        yield Finding(
            "exploding-gradients",
            f"{rows[most][0]} gets {number(sizes[most] / sizes[-1])} times the gradient that {rows[-1][0]} gets",
            bars(title, rows, [i for i, v in enumerate(sizes) if v > sizes[-1] / limit], log=True),
            units=float(np.mean([v > sizes[-1] / limit for v in sizes])),
        )


def _times(ratio: float) -> str:
    return "nothing" if ratio == 0 else f"{number(ratio)} times"


def _size(probe: Probe, site: Site) -> float:
    """Root mean square of the gradient of each row's own loss by what the layer's product puts out."""
    g = probe.gradient(site.product).astype(np.float64) * len(probe.rows)
    return float(np.sqrt(np.mean(g**2)))


def _called(site: Site) -> str:
    return site.weight.name if site.weight is not None and site.weight.name else site.name


def _unused(case: Case) -> Iterator[Finding]:
    probe = case.probe
    known = [(name, p) for name, p in case.trainer.net.named_parameters() if not p.frozen]
    unused = [i for i, (_, p) in enumerate(known) if p.serial not in probe.gradients]
    if not unused:
        return
    counts = [int(np.prod(p.shape)) for _, p in known]
    rows = [(name, float(n)) for (name, _), n in zip(known, counts, strict=True)]
    why = [f"no path from {known[i][0]} to the loss: {_reason(probe, known[i][1])}" for i in unused[:3]]
    more = f"; and {len(unused) - 3} more" if len(unused) > 3 else ""
    yield Finding(
        "unused-parameters", "; ".join(why) + more, bars("numbers in each parameter", rows, unused),
        units=sum(counts[i] for i in unused) / sum(counts),
    )  # fmt: skip


def _reason(probe: Probe, parameter: Wire) -> str:
    """Why no gradient reaches a parameter: the gate above it that stops one, or that nothing is computed from it."""
    above = {parameter.serial}
    for wire in topological([probe.cost]):
        if any(x.serial in above for x in wire.operands):
            if not wire.active:
                return no_path(wire)
            above.add(wire.serial)
    return "the loss is not computed from it"
