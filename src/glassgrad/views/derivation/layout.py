"""How a derivation stands on a page of text and of LaTeX: three parts, equations under one another."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from glassgrad.views.derivation import algebra as a
from glassgrad.views.derivation.sizes import Sizes
from glassgrad.views.derivation.styles import LETTERS, TEXT
from glassgrad.views.derivation.tree import Expr, is_row

if TYPE_CHECKING:
    from glassgrad.views.derivation.derivation import Derivation, Step

WIDTH = 80


def asked(d: Derivation) -> str:
    """What is differentiated by, in words."""
    style = TEXT(d.sizes)
    return ", ".join(style.name(name) for name in d.made.asked) or "its inputs"


def parts(d: Derivation) -> list[tuple[str, str, list[Step]]]:
    """The steps by part, as (title, kind, steps). Where nothing was put together, that part is left out."""
    found = {kind: [s for s in d.steps if s.kind == kind] for kind in ("name", "chain", "result", "where")}
    chain = {s.name: s.tree for s in found["chain"]}
    if len(found["result"]) == len(chain) and all(chain[s.name] == s.tree for s in found["result"]):
        found["result"] = []
    to = asked(d)
    titles = {
        "name": "Forward: a name for everything in between",
        "chain": f"Backward: the chain rule, step by step, from {d.made.of} to {to}",
        "result": "Put together",
    }
    made = [(titles[kind], kind, found[kind]) for kind in titles if found[kind]]
    notes = dict.fromkeys(s.note for s in found["where"])
    return made + [(note, "where", [s for s in found["where"] if s.note == note]) for note in notes]


def dimensions(tree: Expr, sizes: Sizes) -> str:
    """Sizes, factor by factor where it is a matrix product: ``(m×1)(1×h) = m×h``."""
    whole = sizes.text(tree.shape)
    _, factors = a.split(tree)
    arrays = [f for f in factors if f.shape]
    if len(arrays) != 1 or arrays[0].kind != "product" or len(tree.shape) > 2:
        return whole
    chain = "".join(f"({sizes.text(_as_matrix(f))})" for f in arrays[0].args)
    return f"{chain} = {whole}"


def _as_matrix(e: Expr) -> Sequence[int]:
    return e.shape if len(e.shape) != 1 or is_row(e) else (*e.shape, 1)


def chain_rule(d: Derivation, step: Step) -> list[tuple[str, str, bool]]:
    """The chain rule before its local gradients are put in: through what, by what, and whether both are numbers.

    Empty where a matrix is among them, where there is nothing in between, and for what is no step.
    """
    if step.kind != "chain" or d.deltas:
        return []
    names = {**d.made.inputs, **d.made.definitions}
    through = [n for n in step.through if n != d.made.title or d.made.seed != a.ONE]
    if not through or len(through) < len(step.through):
        return []
    if any(len(names[n].shape) > 1 for n in (step.name, *through)):
        return []
    return [(n, step.name, not names[n].shape and not names[step.name].shape) for n in through]


def _chain_text(d: Derivation, step: Step) -> str:
    style, terms = TEXT(d.sizes), []
    for via, by, flat in chain_rule(d, step):
        upstream, local = style.partial(d.made.of, via), style.partial(via, by)
        terms.append(f"{upstream} · {local}" if flat else f"({local})ᵀ {upstream}")
    return " + ".join(terms)


def text(d: Derivation, width: int = WIDTH) -> str:
    """Unicode, at most `width` characters wide where no single term is longer."""
    lines = []
    for title, _, steps in parts(d):
        lines += ["", *textwrap.wrap(title, width)]
        for step in steps:
            left, _, right = step.text.partition(" = ")
            chain = _chain_text(d, step)
            rows = [chain, right] if chain and chain != right else [right]
            lines += _equation(left, rows, f"[{step.sizes}]" if step.sizes else "", width)
            if step.note and step.kind != "where":
                lines.append(f"      ({step.note})")
    return "\n".join(lines[1:])


def _equation(left: str, rows: list[str], sizes: str, width: int) -> list[str]:
    """One equation, its sizes at the right edge; broken between terms where it is long."""
    indent = " " * (2 + len(left))
    lines: list[str] = []
    for i, row in enumerate(rows):
        start = f"  {left} = " if i == 0 else f"{indent} = "
        lines += textwrap.wrap(
            row, width, initial_indent=start, subsequent_indent=" " * (len(indent) + 3), break_long_words=False
        )
    if not sizes:
        return lines
    if len(lines[-1]) + 2 + len(sizes) <= width:
        lines[-1] = f"{lines[-1]}{sizes:>{width - len(lines[-1])}}"
    else:
        lines.append(f"{sizes:>{width}}")
    return lines


def latex(d: Derivation) -> str:
    """LaTeX for a display: the parts under one another, equations aligned at their signs."""
    rows = []
    for title, _, steps in parts(d):
        rows.append(rf"&\textbf{{{_latex_words(title)}}}")
        for step in steps:
            left, _, right = step.latex.partition(" = ")
            shape = latex_sizes(d, step)
            rows.append(f"{left} &= {right}" + (rf" && {shape}" if shape else ""))
    body = " \\\\\n".join(rows)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def latex_sizes(d: Derivation, step: Any) -> str:
    """Which space a step's value is in."""
    if not step.shape:
        return ""
    sizes = d.sizes.text(step.shape).removesuffix("×1" if len(step.shape) == 1 else "")
    written = sizes.replace("×", r" \times ").replace("·", r" \cdot ")
    return rf"\in \mathbb{{R}}^{{{written}}}"


def _latex_words(words: str) -> str:
    for letter, name in LETTERS.items():
        words = words.replace(letter, rf"$\{name}$")
    return words.replace("_", r"\_").replace("ŷ", r"$\hat{y}$").replace("−", "$-$")
