"""Simplification: gates that do nothing go, views of views become one, repetition is left to broadcasting.

`algebra` has the rules on numbers and says how exact they are, `views` those on shapes. A matrix product
keeps its transposed operands as they are: the compiler reads them as a product of another layout.
"""

from __future__ import annotations

from glassgrad.graphs import Graph
from glassgrad.op import Op
from glassgrad.passes.algebra import NUMBER_RULES
from glassgrad.passes.rewrite import Pass, Rule, simplified
from glassgrad.passes.views import SPREAD_RULES, VIEW_RULES

RULES: dict[Op, tuple[Rule, ...]] = {
    op: (
        *NUMBER_RULES.get(op, ()),
        *VIEW_RULES.get(op, ()),
        *((SPREAD_RULES[op],) if op in SPREAD_RULES else ()),
    )
    for op in (*NUMBER_RULES, *VIEW_RULES, *SPREAD_RULES)
}


def _simplify(graph: Graph) -> Graph:
    return simplified(graph, RULES)


simplify = Pass("simplify", "removes what does nothing, and repeats as late as possible", _simplify)
