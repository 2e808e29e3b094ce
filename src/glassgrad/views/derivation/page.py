"""A derivation as HTML: equations in MathML, sizes beside them, light and dark, nothing fetched."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from glassgrad.views.derivation import layout
from glassgrad.views.derivation.mathml import MATHML
from glassgrad.views.derivation.tree import Expr, Symbol
from glassgrad.views.derivation.writing import Writer
from glassgrad.views.report_page import page as whole_page

if TYPE_CHECKING:
    from glassgrad.views.derivation.derivation import Derivation, Step

_STYLE = """
.derivation { --edge: #e3e0d8; --quiet: #5d6570; --mark: #2563cd; overflow-x: auto; }
@media (prefers-color-scheme: dark) { .derivation { --edge: #31363f; --quiet: #a0a7b1; --mark: #7fb0ff; } }
.derivation h3 { font-size: 1rem; margin: 1.5rem 0 .35rem; font-weight: 600; }
.derivation h3:first-of-type { margin-top: .2rem; }
.derivation table { border-collapse: collapse; width: 100%; max-width: 62rem; margin: 0; }
.derivation td {
  padding: .42rem 0; border-top: 1px solid var(--edge); vertical-align: middle; text-align: left; background: none;
}
.derivation td:first-child { text-align: right; white-space: nowrap; width: 7rem; padding-right: .45rem; }
.derivation td.sizes { color: var(--quiet); text-align: right; white-space: nowrap; padding-left: 2rem; }
.derivation math {
  font-size: 1.12rem;
  font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", "Libertinus Math", "Noto Sans Math", math;
}
.derivation td.sizes math { font-size: .92rem; }
.derivation td.rule math { margin: .22rem .35rem .22rem 0; display: inline-block math; }
.derivation td.rule .by { color: var(--quiet); }
.derivation td small { display: block; color: var(--quiet); }
.derivation .result td:first-child { box-shadow: inset 3px 0 var(--mark); padding-left: .7rem; }
"""


def fragment(d: Derivation) -> str:
    """The equations as a piece of a page, as a notebook shows them."""
    writer = Writer(MATHML(d.sizes, d.deltas))
    parts = []
    for title, kind, steps in layout.parts(d):
        rows = "".join(_row(d, writer, step) for step in steps)
        result = ' class="result"' if kind in ("result", "where") else ""
        parts.append(f"<h3>{escape(title)}</h3><table{result}>{rows}</table>")
    return f'<style>{_STYLE}</style><div class="derivation">{"".join(parts)}</div>'


def page(d: Derivation) -> str:
    """The equations as a page of their own."""
    title = f"The gradient of {d.output}"
    lead = (
        f"Backpropagation from {d.made.of} to {layout.asked(d)}, written out. Vectors are "
        "columns, ⊙ is the product element by element, 𝟏 a column of ones."
    )
    head = f'<header><h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p></header>'
    return whole_page(title, [head, fragment(d)])


def _math(inner: str) -> str:
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" displaystyle="true">{inner}</math>'


def _row(d: Derivation, writer: Writer, step: Step) -> str:
    symbol = Symbol(step.name) if step.kind == "name" else Symbol(step.name, d.made.of)
    left, right = _math(writer.write(Expr("symbol", data=symbol))), writer.write(step.tree)
    chain = _chain(d, writer, step)
    middle = f'<span class="by">{_math(f"<mo>=</mo>{chain}")}</span>' if chain and chain != right else ""
    note = f"<small>{escape(step.note)}</small>" if step.note and step.kind != "where" else ""
    sizes = _math(f"<mtext>{escape(step.sizes)}</mtext>") if step.sizes else ""
    return (
        f'<tr><td>{left}</td><td class="rule">{middle}{_math(f"<mo>=</mo>{right}")}{note}</td>'
        f'<td class="sizes">{sizes}</td></tr>'
    )


def _chain(d: Derivation, writer: Writer, step: Step) -> str:
    """The chain rule before its local gradients are put in."""
    style, terms = writer.style, []
    for via, by, flat in layout.chain_rule(d, step):
        upstream, local = style.partial(d.made.of, via), style.partial(via, by)
        if flat:
            terms.append((False, style.times(upstream, local)))
        else:
            terms.append((False, style.chain([style.transposed(style.brackets(local)), upstream])))
    return style.sum(terms) if terms else ""
