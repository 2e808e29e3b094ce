"""Tensors, graphs, explanations, gradient checks, costs and compiled functions in notebooks."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from glassgrad.costs import Cost
from glassgrad.graphs import Graph
from glassgrad.native.explained import kernels
from glassgrad.parameters import Parameter
from glassgrad.reports import GradientReport
from glassgrad.views import numbers
from glassgrad.views.notebook.frame import (
    Html,
    block,
    cell,
    folded,
    frame,
    grid,
    heat,
    joined,
    marked,
    plural,
    shape,
    side_by_side,
    words,
)
from glassgrad.views.picture.drawing import shown
from glassgrad.views.table import Handed, Row
from glassgrad.views.text import Explained, explain

_WRITTEN = 8  # numbers along each side of a matrix that is written out
_ROWS = 200  # of an explanation; its text has all
_CHECKS = 30


def tensor(x: Any) -> str:
    """Value and gradient, where it comes from, the picture of its graph and the table."""
    kind = "parameter" if isinstance(x, Parameter) else "tensor"
    about = [shape(x)]
    if isinstance(x, Parameter) and x.frozen:
        about.append("frozen")
    if x.op is not None:
        about.append(f"made by {x.op.name}" + (f" at {_place(x.location)}" if x.location is not None else ""))
    title = joined([cell(kind), Html(f" <code>{cell(x.name)}</code>") if x.name else Html("")])
    if x.parts is not None or x._value is None:
        return frame(title, " · ".join(about), words("traced: it has a shape and a dtype, and no value"))
    seen = [_numbers("value", x._value)]
    if x.grad is not None and not isinstance(x.grad, list):
        seen.append(_numbers("gradient", x.grad))
    body = [side_by_side(*seen)]
    if x.op is not None:
        body += _drawn(Graph([x]))
    return frame(title, " · ".join(about), *body)


def graph(x: Graph) -> str:
    """The picture, and the gates as lines; where there are values the table."""
    gates = plural(len(x.gates), "gate")
    about = f"{gates}, {plural(len(x.inputs), 'input')}, {plural(len(x.outputs), 'output')}"
    valued = bool(x.outputs) and all(w._value is not None for w in x.wires)
    lines = block(str(x))
    if not valued:
        return frame("graph", f"{about} · traced, without values", *_picture(x), folded("as text", lines))
    return frame("graph", about, *_drawn(x), folded("as text", lines))


def _drawn(x: Graph) -> list[Html]:
    """The picture of a graph with values, and below it the table that says how each gradient came about."""
    return [*_picture(x), folded(f"{plural(len(x.gates), 'gate')}: every value and gradient", _table(explain(x)))]


def _picture(x: Graph) -> list[Html]:
    found = shown(x)
    return [] if found is None else [Html(found)]


def explained(x: Explained) -> str:
    """The table: values, gradients, and for each operand local × upstream = gradient."""
    table = x.table
    inputs = sum(r.kind in ("input", "parameter") for r in table.rows)
    about = f"{plural(table.gates, 'gate')}, {plural(inputs, 'input')}"
    notes = []
    if table.reason:
        notes.append(words(f"no gradient path to {table.output}: {table.reason}", "bad"))
    elif not table.valued:
        notes.append(words("traced: shapes and formulas, no numbers"))
    elif table.upstream is not None and not np.all(np.asarray(table.upstream) == 1):
        notes.append(words(f"starts with the upstream gradient {numbers.array(table.upstream)}"))
    elif table.upstream is not None and np.ndim(table.upstream):
        notes.append(words(f"starts with ones: gradients of the sum of {table.output}"))
    if table.not_finite:
        notes.append(words(table.not_finite, "bad"))
    return frame(table.output, about, *notes, _table(x))


def _table(x: Explained) -> Html:
    """One group of lines a wire."""
    head = ("wire", "gate", "value", "gradient", "in the backward pass", "line")
    lines = []
    for row in x.rows[:_ROWS]:
        under = [_handed(h) for h in row.handed]
        if row.branches:
            under.append(_branches(row))
        if row.note:
            under.append(f'<td></td><td class="w" colspan="5">{cell(row.note)}</td>')
        under = [line for line in under if line]
        name = f"<th>{cell(row.name)}</th><td>{cell(row.formula or row.kind)}</td>"
        value = f'<td class="value">{cell(_value(row.wire, row.value))}</td>'
        gradient = f'<td class="gradient">{cell(_value(row.wire, row.gradient))}</td>'
        pattern = f'<td class="soft">{cell(row.pattern or ("no path" if row.note else ""))}</td>'
        where = f'<td class="soft">{cell(_place(row.location))}</td>'
        mark = ' class="sub"' if under else ""
        lines.append(f"<tr{mark}>{name}{value}{gradient}{pattern}{where}</tr>")
        for i, line in enumerate(under):
            last = " last" if i == len(under) - 1 else ""
            lines.append(f'<tr class="under{last}">{line}</tr>')
    top = "".join(f"<th>{h}</th>" for h in head)
    more = words(f"and {len(x.rows) - _ROWS:,} more: print(gg.explain(…)) has all") if len(x.rows) > _ROWS else ""
    return Html(
        f'<div class="wide"><table class="t"><thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
        f"{more}"
    )


def _handed(h: Handed) -> str:
    """One operand: local × upstream = gradient."""
    to = f"<td>→ {cell(h.to)}</td>"
    if h.reason:
        return f'{to}<td class="w" colspan="5">no gradient: {cell(h.reason)}</td>'
    said = "  ".join(t for t in (h.derivative, h.jacobian) if t)
    if h.gradient is None or isinstance(h.gradient, list):
        return f'{to}<td class="w" colspan="5">{cell(said)}</td>' if said else ""
    passed = marked(numbers.array(h.gradient), "gradient")
    if h.local is None or isinstance(h.upstream, list | tuple):
        return f'{to}<td>{cell(said)}</td><td colspan="4">= {passed}</td>'
    local, upstream = _short(h.local), _short(h.upstream)
    if any(said.startswith("min ") for said in (local, upstream)):  # sums of whole arrays multiply to nothing
        return f'{to}<td>{cell(h.derivative)}</td><td colspan="4">= {passed}</td>'
    product = f"{cell(local)} × {cell(upstream)} = {passed}"
    return f'{to}<td>{cell(h.derivative)}</td><td colspan="4">{product}</td>'


def _branches(row: Row) -> str:
    """What the branches of a wire hand back, which adds up."""
    parts = [g for _, g in row.branches]
    names = ", ".join(dict.fromkeys(name for name, _ in row.branches))
    if any(g is None or isinstance(g, list) or np.size(g) > numbers.FULL for g in parts):
        total = "gradients add"
    else:
        total = " + ".join(_signed(numbers.array(g)) for g in parts) + f" = {numbers.array(row.gradient)}"
    return f'<td>+ from {cell(names)}</td><td colspan="5">{cell(total)}</td>'


def report(x: GradientReport) -> str:
    """The verdict, then what was compared, what is wrong first."""
    kinks = sum(c.verdict == "kink crossed" for c in x.checks)
    worst = max((c.error for c in x.checks if c.verdict == "ok"), default=0.0)
    if x:
        agree = f"{plural(len(x.checks) - kinks, 'gradient')} agree with finite differences"
        said = marked(f"✓ {agree}, worst relative error {worst:.1e}", "good")
    elif x.wrong_gates:
        said = marked(f"✗ wrong: the rule of {', '.join(x.wrong_gates)}", "bad")
    else:
        said = marked("✗ wrong, though every gate alone is right: the function does not repeat itself", "bad")
    order = x.bad + [c for c in x.checks if c not in x.bad]
    rows = []
    for c in order[:_CHECKS]:
        seen = "" if c.verdict == "ok" else f"{c.analytic:.7g} against {c.numerical:.7g}"
        if c.index and seen:
            seen += f" at {c.index}"
        if seen and c.location is not None:
            seen += f", {_place(c.location)}"
        verdict = marked(c.verdict, "good" if c.verdict == "ok" else "soft" if c.verdict == "kink crossed" else "bad")
        rows.append((c.part, c.name, c.gate, c.operand, f"{c.error:.1e}", verdict, seen))
    notes = [words(f"and {plural(len(order) - _CHECKS, 'check')} more")] if len(order) > _CHECKS else []
    if kinks:
        notes.append(words(f"{kinks} more sit on a kink, between its two slopes"))
    if x.skipped:
        notes.append(words(f"{x.skipped} gates were left out of the check; raise max_gates to include them"))
    head = ("part", "wire", "gate", "operand", "rel. error", "verdict", "")
    return frame("gradient check", said, grid(head, rows, "llllrlw"), *notes)


def cost(x: Cost) -> str:
    """Operations and bytes of each way to the gradient, and how they compare."""
    ways = {
        "forward": x.forward, "forward and backward": x.backward, "one-sided differences": x.one_sided,
        "central differences": x.central,
    }  # fmt: skip
    most = max(max(work.flops for work in ways.values()), 1)
    rows = []
    for name, work in ways.items():
        ratio = work.flops / x.forward.flops if x.forward.flops else float("nan")
        bar = Html(f'<span class="bar" style="width:{max(2, round(160 * work.flops / most))}px"></span>')
        rows.append((name, f"{work.passes:,}", f"{work.flops:,}", f"{work.bytes:,}", f"{ratio:,.1f}", bar))
    head = ("", "runs", "operations", "bytes", "÷ forward", "")
    about = f"of the gradient by {plural(x.numbers, 'number')}"
    return frame("cost", about, grid(head, rows, "lrrrrl"))


def compiled(x: Any) -> str:
    """The programs so far, and the kernels of the last."""
    name = getattr(x, "__name__", "function")
    if not x.programs:
        return frame("compiled function", name, words("no program yet: shapes are known from the first call"))
    programs = [
        (
            ", ".join(f"{p.graph.name(w)}: {shape(w)}" for w in p.graph.inputs),
            f"{len(p.graph.gates):,}", f"{len(kernels(p.plan)):,}", f"{p.seconds:.3f}",
        )
        for p in x.programs
    ]  # fmt: skip
    rows = [
        (k.text, f"{k.flops:,}", f"{k.bytes:,}", marked("NumPy", "bad") if k.call else "")
        for k in kernels(x.programs[-1].plan)
    ]
    return frame(
        "compiled function", f"{name} · {plural(len(programs), 'program')}",
        grid(("inputs", "gates", "kernels", "compiled in s"), programs, "wrrr"),
        folded(
            f"{plural(len(rows), 'kernel')} of the last program",
            grid(("kernel", "operations", "bytes", ""), rows, "wrrl"),
        ),
        words("explain() times it and compares it with this machine's peak, .graph and .ir show what is run"),
    )  # fmt: skip


def example(x: Any) -> str:
    """A worked example: what to watch, the code, the numbers."""
    out = x.build()
    body: list[str] = [words(paragraph, "") for paragraph in x.watch.split("\n\n")]
    code = x.code(100)
    if code:
        body.append(block(code))
    if x.table:
        body.append(_table(explain(out, fold=x.fold)))
    if x.more is not None:
        body.append(block(x.more(out, 100)))
    return frame(x.title, joined([cell(f"{x.row} · "), Html(f"<code>glassgrad explain {cell(x.name)}</code>")]), *body)


def numbers_of(x: Any) -> Html:
    """An array: written out where it is small, else summed up over its heat map."""
    array = np.asarray(x)
    if array.ndim == 0:
        return Html(cell(numbers.number(array[()])))
    if array.ndim <= 2 and array.size and max(array.shape) <= _WRITTEN:
        rows = array.reshape(-1, array.shape[-1])
        cells = "".join(f"<tr>{''.join(f'<td>{cell(numbers.number(v))}</td>' for v in row)}</tr>" for row in rows)
        return Html(f'<table class="t numbers"><tbody>{cells}</tbody></table>')
    said = cell(numbers.array(array)) if array.size else "empty"
    return joined([Html(said), heat(array) if array.size and array.dtype.kind in "fiu" else Html("")])


def _numbers(name: str, x: Any) -> Html:
    return Html(f'<div class="soft">{name}</div><div class="{name}">{numbers_of(x)}</div>')


def _value(wire: Any, value: Any) -> str:
    """A value or gradient in a cell: with its shape where it is an array."""
    if wire.parts is not None:
        return f"{len(wire.parts)} results"
    if value is None:
        return "" if wire.shape == () else numbers.shape(wire.shape)
    if wire.shape == ():
        return numbers.number(value)
    said = numbers.array(value)
    return said if np.size(value) <= numbers.FULL else f"{numbers.shape(wire.shape)}: {said}"


def _short(x: Any) -> str:
    x = np.asarray(x)
    return numbers.number(x.flat[0]) if x.size and np.all(x == x.flat[0]) else numbers.array(x)


def _signed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _place(location: Any) -> str:
    return "" if location is None else f"{os.path.basename(location.filename)}:{location.lineno}"
