"""`draw`: a picture of a graph, as SVG and as a page; `Picture`, what it returns."""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from glassgrad.errors import DataError, OperandError
from glassgrad.files import replace_file
from glassgrad.graphs import Graph
from glassgrad.reports import GradientReport
from glassgrad.tensors import Tensor
from glassgrad.views import numbers, report_page
from glassgrad.views.asked import asked
from glassgrad.views.picture.facts import Facts
from glassgrad.views.picture.page import fragment, page
from glassgrad.views.picture.plans import Planner
from glassgrad.views.picture.svg import sheet
from glassgrad.views.picture.tree import Item
from glassgrad.views.table import Fold, folding

SHOWN = 20_000
"""Notebooks show no picture of tensors whose graphs have more gates."""
LIVE = 1500
"""In notebooks, graphs of more gates than this are shown without what is folded; saved pages hold everything."""


class Picture:
    """A picture: `svg` is an image, `html` a page in which boxes open and close; `save` writes either.

    Attributes
    ----------
    title : str
        What stands above it.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x, y = gg.tensor(3.0, "x"), gg.tensor(4.0, "y")
    >>> picture = gg.draw((x * y).named("f"))
    >>> picture.svg[:4], picture
    ('<svg', <Picture of f: 1 gate, 2 inputs>)
    """

    def __init__(
        self, title: str, svg: Callable[[], str], html: Callable[[], str], shown: Callable[[], str] | None = None,
        png: Callable[[], bytes] | None = None,
    ) -> None:  # fmt: skip
        self.title, self._make, self._make_page, self._make_shown = title, svg, html, shown or svg
        self._make_png = png

    @functools.cached_property
    def svg(self) -> str:
        """The picture as an SVG file: one image that needs nothing beside it, for light and dark."""
        return self._make()

    @functools.cached_property
    def html(self) -> str:
        """The picture as a page that needs nothing beside it; without JavaScript it is the image."""
        return self._make_page()

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> Path:
        """Write the picture, complete or not at all.

        Parameters
        ----------
        path : path
            Its ending decides what is written: ``.svg`` or ``.html``; ``.png`` where matplotlib drew the picture.
        overwrite : bool
            Whether a file of this name may be replaced.

        Returns
        -------
        Path
            Where it was written.

        Raises
        ------
        DataError
            For another ending, a folder that does not exist, or a file that does, unless `overwrite`.
        """
        where = Path(path)
        makers = {".svg": lambda: _bytes(self.svg), ".html": lambda: _bytes(self.html)}
        if self._make_png is not None:
            makers[".png"] = self._make_png
        make = makers.get(where.suffix.lower())
        if make is None:
            raise DataError(f"this picture is written as {' or '.join(makers)}, and {where.name} is neither")
        refuse_to_replace(where, overwrite)
        replace_file(where, make(), lambda: refuse_to_replace(where, overwrite))
        return where

    def _repr_html_(self) -> str:
        return self._make_shown()

    def __repr__(self) -> str:
        return f"<Picture of {self.title}>"


def _bytes(said: str) -> bytes:
    return said.encode("utf-8", "replace")


def of_figure(title: str, make: Callable[[], Any]) -> Picture:
    """A figure of matplotlib as a `Picture`, made when it is first looked at."""
    figure = functools.cache(make)

    def written(kind: str) -> bytes:
        file = io.BytesIO()
        figure().savefig(file, format=kind, metadata={"Date": None} if kind == "svg" else None)
        return file.getvalue()

    def svg() -> str:
        return written("svg").decode()

    def html() -> str:
        drawn = svg()
        return report_page.page(title, [f"<h1>{escape(title)}</h1>", drawn[drawn.index("<svg") :]])

    return Picture(title, svg, html, png=lambda: written("png"))


def shown(x: Any) -> str | None:
    """What a notebook shows of a tensor or graph: its picture; nothing but its text where it has very many gates."""
    graph = x if isinstance(x, Graph) else Graph([x])
    return None if len(graph) > SHOWN or not graph.outputs else draw(graph)._repr_html_()


def svg(graph: Graph, **settings: Any) -> str:
    """What `Graph.to_svg` returns."""
    return draw(graph, **settings).svg


def refuse_to_replace(where: Path, overwrite: bool) -> None:
    """Raise `DataError` where a file cannot be written, or would replace one that nobody said may go."""
    if where.is_dir():
        raise DataError(f"{where} is a folder; name a file")
    if where.exists() and not overwrite:
        raise DataError(f"{where} exists; name another file, or say overwrite=True")
    if not where.parent.is_dir():
        raise DataError(f"there is no folder {where.parent} to write {where.name} into")


def draw(
    x: Any,
    *args: Any,
    upstream: ArrayLike | None = None,
    fold: Fold = None,
    unfold: str | Iterable[str] = (),
    check: GradientReport | None = None,
    title: str | None = None,
) -> Picture:
    """Draw a graph: inputs at the left, the result at the right, values above the wires, gradients below.

    Every gate is drawn with what it does to the gradient. Where a wire branches, the gradients that come back are
    drawn as a sum. Arrays are small tables of numbers, or a shape and a heat map. Groups (a layer, softmax) and
    repeated layers are boxes that can be open or folded.

    Parameters
    ----------
    x : Tensor, Graph, callable or GradientReport
        What is drawn: a result, a graph, a function of `args`, or what `check_gradient` found, whose gates are marked
        right or wrong.
    *args : arrays, tensors or trees of them
        The arguments of a function.
    upstream : array_like, optional
        Gradient that the reverse sweep starts with: by default the one `backward()` was given, else ones.
    fold, unfold
        Which boxes are folded, as in `glassgrad.explain`: by default all, in a graph of more than 40 gates. In the
        page, each can be opened and closed.
    check : GradientReport, optional
        Marks the gates of any graph with the verdicts of a check, by the names of their wires.
    title : str, optional
        What stands above the picture.

    Returns
    -------
    Picture
        With `svg`, `html` and `save`; it shows itself in a notebook.

    Raises
    ------
    OperandError, ShapeError
        For what is no graph, or an upstream gradient of another shape than the result.

    Notes
    -----
    Columns and orders follow Sugiyama, Tagawa and Toda (1981), heights Brandes and Köpf (2001).

    Examples
    --------
    >>> import glassgrad as gg
    >>> x, y, z = gg.tensor(-2.0, "x"), gg.tensor(5.0, "y"), gg.tensor(-4.0, "z")
    >>> picture = gg.draw(((x + y) * z).named("f"))
    >>> picture
    <Picture of f: 2 gates, 3 inputs>
    >>> ">-12<" in picture.svg
    True
    """
    if isinstance(x, GradientReport):
        if x.graph is None:
            raise OperandError(
                "this report does not hold the graph it is about; hand draw() the graph, and check=report"
            )
        x, check = x.graph, x
    graph, output, start = asked(x, args, upstream, "draw")
    return _Drawing(graph, output, start, check, fold, unfold, title).picture()


class _Drawing:
    """One graph to be drawn, read when its picture is first looked at."""

    def __init__(
        self, graph: Graph, output: Tensor, start: Any, check: GradientReport | None, fold: Fold,
        unfold: str | Iterable[str], title: str | None,
    ) -> None:  # fmt: skip
        self.graph, self.output, self.start, self.check = graph, output, start, check
        self.folds = folding(fold, unfold, len(graph.gates))
        self.title = title or _title(graph, output)

    def picture(self) -> Picture:
        """The picture, not yet drawn."""
        live = len(self.graph.gates) <= LIVE
        return Picture(self.title, self.svg, self.page, self.fragment if live else self.svg)

    @functools.cached_property
    def planner(self) -> Planner:
        """Plans the boxes, read from the graph."""
        return Planner(Facts(self.graph, self.output, self.start, self.check))

    def opened(self, item: Item) -> bool:
        """Whether a box stands open."""
        return item.group is not None and not self.folds(item.group)

    @property
    def note(self) -> str:
        """What is said below the title: that there are no numbers, what the sweep started with, what is odd."""
        facts = self.planner.facts
        said: list[str] = []
        if not facts.valued:
            said.append("traced: shapes, no numbers")
        elif self.start is not None and self.output.shape:
            ones = (self.start == 1).all()
            said.append(
                f"starts with {'ones' if ones else numbers.array(self.start)} at {facts.graph.name(self.output)}"
            )
        elif self.start is not None and self.start != 1:
            said.append(f"starts with upstream gradient {numbers.number(self.start)}")
        elif self.start is None and self.output.dtype.kind == "f" and not self.output.active:
            said.append("no gradient: nothing that can learn leads here")
        odd = facts.builder.first_not_finite()
        if odd:
            said.append(f"the first value that is not finite is on wire {odd}")
        if self.check is not None:
            bad = len(self.check.wrong_gates)
            said.append(f"checked against finite differences: {'all right' if self.check else f'{bad} wrong'}")
        return " · ".join(said)

    def svg(self) -> str:
        """The image."""
        return sheet(self.planner, self.opened, self.title, self.note).svg

    def page(self) -> str:
        """The page."""
        return page(self.planner, self.opened, self.title, self.note)

    def fragment(self) -> str:
        """What a notebook shows."""
        return fragment(self.planner, self.opened, self.title, self.note)


def _title(graph: Graph, output: Any) -> str:
    gates, inputs = sum(g.op.name != "part" for g in graph.gates), len(graph.inputs)
    return (
        f"{graph.name(output)}: {gates:,} gate{'' if gates == 1 else 's'}, {inputs:,} input{'' if inputs == 1 else 's'}"
    )
