"""`glassgrad check`: prove the gradients of worked examples, and of a user's own function."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import numpy as np
import typer

from glassgrad import worked
from glassgrad.checks import check_gradient
from glassgrad.cli import common
from glassgrad.errors import GlassgradError, GradientError, unknown
from glassgrad.reports import GradientReport


@common.shown
def check(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME|all|FILE.py:FUNCTION]",
            help="A worked example, all of them, or a function in a Python file.",
            show_default=False,
        ),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            help="Shape of the next argument of FUNCTION, such as 3 or 5,3 or () for one number; repeat it for each. "
            "Without any, every argument is one number.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the arguments, which are drawn from N(0, 1).")] = 0,
    order: Annotated[int, typer.Option(min=1, max=2, help="2 checks second derivatives as well.")] = 1,
    tolerance: Annotated[float, typer.Option(help="Largest relative error that passes.")] = 1e-6,
    debug: common.Debug = False,
) -> None:
    """Compare gradients with finite differences in float64, gate by gate.

    Each gate is checked alone, so that a wrong one is named. Exit code 0: all agree; 1: something is wrong;
    2: it could not be checked.

    [bold]Examples[/bold]

    glassgrad check all

    glassgrad check sigmoid-neuron --order 2

    glassgrad check model.py:loss --shape 3 --shape 5,3 --shape 5
    """
    if not 0 < tolerance < 1:
        raise common.UsageError(f"--tolerance lies between 0 and 1, and is {tolerance:g}")
    settings: dict[str, Any] = {"seed": seed, "order": order, "tolerance": tolerance}
    if target is None:
        typer.echo(worked.listing())
        typer.echo("\nglassgrad check NAME checks one of them, glassgrad check all every one")
        return
    path, colon, function = target.rpartition(":")
    if colon and (path.endswith(".py") or os.sep in path):
        with _importable(Path(path)):
            report = _own(Path(path), function, shape, settings)
    elif target.endswith(".py"):
        with _importable(Path(target)):
            raise common.UsageError(f"say which function: {target}:FUNCTION; {_functions_in(_load(Path(target)))}")
    elif shape:
        raise common.UsageError("--shape is for a function of your own, FILE.py:FUNCTION")
    elif target == "all":
        _all(settings)
        return
    else:
        report = check_gradient(worked.example(target).build(), **settings)
    typer.echo(str(report))
    if not report:
        raise typer.Exit(common.WRONG)


def _all(settings: dict[str, Any]) -> None:
    """One line for each worked example; the whole report of those that are wrong."""
    wrong = []
    for name, example in worked.EXAMPLES.items():
        report = check_gradient(example.build(), **settings)
        kinks = sum(c.verdict == "kink crossed" for c in report.checks)
        error = max((c.error for c in report.checks if c.verdict != "kink crossed"), default=0.0)
        verdict = ("ok" if report else "WRONG") + (f", {kinks} on a kink" if kinks else "")
        typer.echo(f"{name:<24}{len(report.checks):>4} gradients  largest error {error:<9.1e}{verdict}")
        if not report:
            wrong.append((name, report))
    for name, report in wrong:
        typer.echo(f"\n{name}\n{report}")
    if wrong:
        raise typer.Exit(common.WRONG)
    typer.echo(f"all {len(worked.EXAMPLES)} examples agree with finite differences")


def _own(path: Path, function: str, shapes: list[str] | None, settings: dict[str, Any]) -> GradientReport:
    """Check a function of the user's."""
    module = _load(path)
    f = getattr(module, function, None)
    if f is None:
        raise unknown(f"function in {path},", function, _own_functions(module) or ["none"])
    if not callable(f):
        raise common.UsageError(f"{function} in {path} is a {type(f).__name__}, not a function")
    args = _arguments(f, function, shapes, settings["seed"])
    try:
        return check_gradient(f, *args, **settings)
    except GlassgradError:
        raise
    except Exception as error:
        drawn = ", ".join(str(np.shape(a)) for a in args)
        raise common.UsageError(
            f"{function} failed on arguments of the shapes {drawn}: {_told(error, path)}\n  --shape sets their shapes"
        ) from error


@contextlib.contextmanager
def _importable(path: Path) -> Iterator[None]:
    """What lies beside a user's file can be imported, as when it is run itself."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)


def _load(path: Path) -> ModuleType:
    """Run a user's file as a module."""
    if not path.is_file():
        raise common.UsageError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"checked_{path.stem}", path.resolve())
    if spec is None or spec.loader is None:
        raise common.UsageError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except GradientError as error:
        common.fail(str(error), common.WRONG)  # a gate that was refused where it was defined
    except GlassgradError:
        raise
    except Exception as error:
        raise common.UsageError(f"{path} cannot be imported: {_told(error, path)}") from error
    return module


def _told(error: Exception, path: Path) -> str:
    """A user's error with the line of their file it came from."""
    lines = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == path.name]
    where = f"\n  at {path}:{lines[-1].lineno}\n    {lines[-1].line}" if lines else ""
    return f"{type(error).__name__}: {error}{where}"


def _own_functions(module: ModuleType) -> list[str]:
    return [n for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__]


def _functions_in(module: ModuleType) -> str:
    names = _own_functions(module)
    return f"there are: {', '.join(names)}" if names else "there is no function in it"


def _arguments(f: Callable[..., Any], name: str, shapes: Sequence[str] | None, seed: int) -> list[Any]:
    """Arguments drawn from N(0, 1), of the shapes asked for, or one number each."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p.name for p in places if p.default is p.empty]
    many = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    sizes = [_shape(text) for text in shapes] if shapes else [()] * len(needed)
    if parameters and not (len(needed) <= len(sizes) and (many or len(sizes) <= len(places))):
        wanted = ", ".join(p.name for p in places) or "nothing"
        raise common.UsageError(
            f"{name} takes {wanted}: give --shape once for each ({len(needed)} needed, {len(sizes)} given)"
        )
    if not sizes:
        raise common.UsageError(f"{name} takes no argument, so there is no gradient to check")
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.standard_normal(size))[()] for size in sizes]


def _shape(text: str) -> tuple[int, ...]:
    """A shape from "3", "5,3", "5x3", "(5, 3)" or "()"."""
    inner = text.strip().removeprefix("(").removesuffix(")").replace("x", ",").rstrip(",")
    try:
        sizes = tuple(int(part) for part in inner.split(",")) if inner.strip() else ()
    except ValueError:
        raise common.UsageError(f"--shape is whole numbers such as 3 or 5,3 or (), not '{text}'") from None
    if any(n < 1 for n in sizes):
        raise common.UsageError(f"--shape has sizes from 1 up, and is '{text}'")
    return sizes
