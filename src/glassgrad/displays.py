"""How objects show themselves, looked up by class and by the name of a method, so that nothing here imports a view.

A class that is `Shown` has ``_repr_html_``, which notebooks call. What it is drawn by stands in `RENDERERS` as text,
``module:function`` below ``glassgrad.views``, and is imported when something is first shown.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

RENDERERS: dict[str, dict[str, str]] = {
    "_repr_html_": {
        "Shown": "notebook.records:record",
        "Text": "notebook.records:text",
        "Tensor": "notebook.wires:tensor",
        "Graph": "notebook.wires:graph",
        "Explained": "notebook.wires:explained",
        "GradientReport": "notebook.wires:report",
        "Cost": "notebook.wires:cost",
        "Compiled": "notebook.wires:compiled",
        "Layer": "notebook.networks:layer",
        "Learner": "notebook.training:learner",
        "History": "notebook.training:history",
        "RateSearch": "notebook.training:rates",
        "Comparison": "notebook.training:comparison",
        "Table": "notebook.tables:table",
        "Target": "notebook.tables:target",
        "Preparation": "notebook.tables:preparation",
        "PreparedModel": "notebook.tables:prepared",
        "Example": "notebook.wires:example",
    },
    "to_svg": {"Graph": "picture.drawing:svg"},
}
"""For each method and class name, the function that is handed the object; subclasses have that of their base."""


class Shown:
    """Base of what shows itself in a notebook.

    Examples
    --------
    >>> import glassgrad as gg
    >>> "rate" in gg.optim.SGD(0.1)._repr_html_()
    True
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        return rendered("_repr_html_", self)


class Text(str, Shown):
    r"""Lines that show as they are read: in a terminal without quotes, in a notebook as a block.

    Examples
    --------
    >>> Text("one\ntwo")
    one
    two
    """

    __slots__ = ()
    __repr__ = str.__str__


def rendered(method: str, x: Any, *args: Any, **settings: Any) -> Any:
    """What the function that stands for this method and the class of `x` makes of it."""
    return _renderer(method, type(x))(x, *args, **settings)


@functools.cache
def _renderer(method: str, kind: type) -> Callable[..., Any]:
    """The function of the nearest class that has one; classes outside the package do not count."""
    known, ours = RENDERERS[method], f"{__package__}."
    names = (cls.__name__ for cls in kind.__mro__ if cls.__module__.startswith(ours))
    name = next((name for name in names if name in known), "Shown")
    module, _, function = known[name].partition(":")
    return getattr(importlib.import_module(f"{ours}views.{module}"), function)
