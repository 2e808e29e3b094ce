"""The gates that are a step of their own, each with its writer."""

from __future__ import annotations

from collections.abc import Callable

from glassgrad.native.folds import Folds
from glassgrad.native.generators import Generators
from glassgrad.native.sparse import Sparse
from glassgrad.native.steps import Single


class Singles(Generators, Folds, Sparse):
    """Walks for all of them."""

    def single(self, step: Single) -> None:
        """Write one of them."""
        WRITERS[step.gate.op.name](self, step)


WRITERS: dict[str, Callable[[Singles, Single], None]] = {
    **dict.fromkeys(("bits", "uniform", "normal", "integers", "split_key"), Singles.draw),
    **dict.fromkeys(("sum", "mean", "max", "min", "any", "all"), Singles.fold),
    **dict.fromkeys(("argmax", "argmin"), Singles.position),
    **dict.fromkeys(("gather", "scatter_add"), Singles.index),
    "fold_in": Singles.fold_in,
    "cumsum": Singles.cumsum,
    "matmul": Singles.plain_product,
    "embed": Singles.embed,
    "concatenate": Singles.concatenate,
    "csr_rows": Singles.csr_rows,
    "csr_matmul": Singles.csr_matmul,
    "csr_add": Singles.csr_add,
}
