"""`glassgrad train FILE`: from a user's own file to a model, its scores and a report page."""

from __future__ import annotations

import copy
import dataclasses
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer
from sklearn.exceptions import ConvergenceWarning

from glassgrad import __version__, data, nn
from glassgrad.cli import common, folders
from glassgrad.cli.modelling import OF_COUNTS, Choice, Data, choose, fitted
from glassgrad.cli.runs import collected, diagnosed, proof, proved, versions
from glassgrad.cli.settings import Settings, kinds_of_columns
from glassgrad.data import Guess, Preparation, Table, guess_task
from glassgrad.data.cells import shown
from glassgrad.distributions import Distribution
from glassgrad.errors import DataError
from glassgrad.estimators import PreparedModel
from glassgrad.storage.documents import MODEL, WEIGHTS, is_one_file
from glassgrad.views.model_report import ModelReport
from glassgrad.views.scores import MOST_CLASSES, ClassScores, NumberScores, Scores, share
from glassgrad.views.telling import Telling, telling

Array = np.ndarray[Any, Any]
_CHECKED = 8  # rows on which the gradient is proved
_TOLD, _KEPT = 4, 20  # outputs whose telling features are printed, and are kept
_CURVES = {
    "loss": "loss_curve_", "loss on rows set aside": "validation_loss_curve_", "mistakes": "mistakes_",
    "score on rows set aside": "validation_scores_",
}  # fmt: skip


def train_file(settings: Settings) -> None:
    """Learn from a file; write the model and the page."""
    folder = _taken(settings)
    try:
        job = _Job(settings)
        job.read()
        job.prepare()
        job.fit()
        job.judge()
        if settings.diagnose:
            job.diagnose()
        job.write(folder)
    finally:
        if folder is not None:
            folder.give_up()
    if job.interrupted:
        raise typer.Exit(common.INTERRUPTED)


def _taken(settings: Settings) -> folders.Folder | None:
    """The output folder, taken before the work begins; None where the model is one file."""
    output = settings.output
    if output is not None and is_one_file(output):
        if output.is_dir():
            raise common.UsageError(f"{output} is a folder; a model of this name is one file")
        if output.exists() and not settings.overwrite:
            raise common.UsageError(f"{output} exists: choose another name with -o, or replace it with --overwrite")
        return None
    name = Path(settings.data).name
    for suffix in (".gz", *Path(name.removesuffix(".gz")).suffixes[-1:]):
        name = name.removesuffix(suffix)
    return folders.take(output, f"{name or 'data'}-model", settings.overwrite)


class _Job:
    """One run, from the file to the model."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.quiet = settings, settings.quiet
        self.began = time.time()
        self.notes: list[str] = []
        self.checked, self.interrupted = "", False
        self.table: Table
        self.guess: Guess
        self.learned: Table
        self.held: Table
        self.model: PreparedModel
        self.choice: Choice
        self.scores: Scores
        self.found: list[Telling] = []

    def say(self, name: str, text: str) -> None:
        """Print a line with its name, unless all is to be quiet."""
        if not self.quiet:
            typer.echo(common.field(name, text))

    # The file

    def read(self) -> None:
        """Read the file; guess what is to be predicted; hold rows out."""
        settings = self.settings
        with collected(self.notes):
            table = data.read(
                settings.data, target=settings.target, labels=settings.labels, encoding=settings.encoding,
                as_text=settings.text,
            )  # fmt: skip
            table = table.with_target(settings.target)
            assert table.target is not None
            self.say("read", f"{settings.data}: {table.summary()}")
            for note in table.notes:
                self.say("", note)
            y = table.column(table.target)
            if settings.task:
                self.guess = Guess(settings.task, "as told")
            elif settings.loss in OF_COUNTS:
                self.guess = Guess("counts", f"as --loss {settings.loss} wants")
            else:
                self.guess = guess_task(y)
            labels = np.asarray(y).astype(str) if self.guess.kind == "classification" else None
            learned, held = data.split_rows(
                len(table), settings.held_out, settings.seed, labels if settings.split == "random" else None,
                settings.split, lenient=True,
            )  # fmt: skip
        self.table, self.learned, self.held = table, table.take(learned), table.take(held)

    def prepare(self) -> None:
        """Fit the preparation on the rows to learn from, and apply it to both parts."""
        settings, name = self.settings, str(self.table.target)
        with collected(self.notes):
            preparation = Preparation.fit(
                self.learned, target=name, text=settings.text, drop=settings.drop, task=self.guess.kind,
                kinds=kinds_of_columns(settings.as_),
            )  # fmt: skip
            assert preparation.target is not None
            target = dataclasses.replace(preparation.target, reason=self.guess.reason)
            self.preparation = dataclasses.replace(preparation, target=target)
            known = target.known(self.held.column(name))
            if not known.any():
                raise DataError("no held-out row has a class that was met in training; try another --seed or --split")
            if not known.all():
                lost = np.count_nonzero(~known)
                rows = "1 held-out row is" if lost == 1 else f"{lost:,} held-out rows are"
                self.notes.append(f"{rows} left out: their class was never met in training")
                self.held = self.held.take(known)
            self.X, self.X_held = (self.preparation.transform(part) for part in (self.learned, self.held))
            self.y, self.y_held = (target.encode(part.column(name)) for part in (self.learned, self.held))
        self.say("target", target.said())
        how = "the last rows" if settings.split == "last" else f"drawn with seed {settings.seed}"
        if settings.split == "random" and target.task == "classification":
            shares = not any("without regard to classes" in note for note in self.notes)
            how += ", each class its share" if shares else ""
        self.say("split", f"{len(self.y):,} rows to learn from, {len(self.y_held):,} held out: {how}")
        if not self.quiet:
            typer.echo("columns")
            for line in self.preparation.report(common.width() - 2):
                typer.echo(f"  {line}")

    # The model

    def fit(self) -> None:
        """Choose an estimator and fit it."""
        self.choice = choose(self.settings, Data.of(self.preparation, self.X))
        self.say("model", self.choice.said())
        estimator, began = self.choice.estimator, time.perf_counter()
        target = self.preparation.target
        assert target is not None
        y = target.decode(self.y) if target.task == "classification" else self.y
        with collected(self.notes), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # said below, in words of the command line
            self.interrupted = fitted(estimator, self.X, y, not self.quiet and sys.stderr.isatty())
        self.seconds = time.perf_counter() - began
        self.model = PreparedModel(estimator, self.preparation)
        passes = int(np.max(estimator.n_iter_))
        more = ""
        if self.interrupted:
            self.notes.append(f"interrupted after {passes:,} passes: what was learned until then is kept")
        elif self.choice.passes is None and passes >= estimator.max_iter:
            more = ", all that were allowed: more --epochs may help"
        self.say("trained", f"in {self.seconds:.2f} s, {passes:,} passes over the rows{more}")
        self._prove(estimator)

    def _prove(self, estimator: Any) -> None:
        """Prove the gradient of the model, where its cost is a distribution.

        At weights drawn anew: where a model has learned, gradients are smaller than what finite differences can tell.
        """
        loss = getattr(estimator, "distribution_", None)
        if not isinstance(loss, Distribution):
            return
        some = self.X[:_CHECKED]
        rows = np.asarray(some.toarray() if hasattr(some, "toarray") else some)
        net = copy.deepcopy(estimator.network()).initialise(self.settings.seed, again=True)
        report, _ = proof(net, loss, rows, self.y[:_CHECKED])
        if not report:
            common.fail(f"the gradient of the model is wrong, so it is not kept\n{report}", common.WRONG)
        self.checked = proved(report)
        self.say("", self.checked)

    # The scores

    def judge(self) -> None:
        """Score the held-out rows, and find the features that tell most."""
        model, target = self.model, self.model.target
        with collected(self.notes):
            predicted = model.predicted(self.X_held)
            self.probabilities = model.probabilities(self.X_held)
        if target.task == "classification":
            self.said = target.encode(predicted)
            names = [str(c) for c in target.classes]
            self.scores = ClassScores.of(self.y_held, self.said, names, self.probabilities)
            outputs = names
        else:
            self.said, actual = predicted, target.decode(self.y_held)
            self.scores, outputs = NumberScores.of(actual, self.said), [target.name]
        if len(np.unique(self.said)) == 1 and len(self.said) > 1:
            self.notes.append(f"every held-out row is predicted as {predicted[0]}: nothing was learned")
        if not self.preparation.images:
            names = self.preparation.feature_names
            self.found = telling(model.estimator.network(), self.X_held, names, outputs)[:_KEPT]
        if not self.quiet:
            typer.echo("\nheld out")
            typer.echo("\n".join(self.scores.lines(common.width())))
            show_telling(self.found)
            typer.echo()
        for note in self.notes:
            common.warn(note)
        typer.echo(f"held-out {self.scores.summary()}")

    def diagnose(self) -> None:
        """Say what ails the model, its data or its run."""
        target, names = self.model.target, self.preparation.feature_names
        known = target.task == "classification"
        y, y_held = (target.decode(y) if known else y for y in (self.y, self.y_held))
        diagnosed(self.model.estimator, self.X, y, (self.X_held, y_held), names)

    # What is written

    def write(self, folder: folders.Folder | None) -> None:
        """Write the model and the page, and say where."""
        info = {
            "data": Path(self.settings.data).name, "command": self.settings.command(), "seed": self.settings.seed,
            "model": self.choice.name, "how": self.choice.how, "rows": len(self.y), "held_out_rows": len(self.y_held),
            "scores": self.scores.to_plain(), "telling": [t.to_plain() for t in self.found],
            "glassgrad": __version__,
        }  # fmt: skip
        model = dataclasses.replace(self.model, info=info)
        if folder is None:
            assert self.settings.output is not None
            path = model.save(self.settings.output, overwrite=self.settings.overwrite)
            typer.echo(f"written to {path}")
            return
        try:
            path = model.save(folder.path, overwrite=folder.overwrite)
        except DataError as error:
            common.warn(str(error))
            path = model.save(folders.next_free(folder.path).path)
        self._page().write(path / "report.html")
        if folder.instead_of is not None:
            typer.echo(f"{folder.instead_of} exists and is left as it is")
        common.written(path, f"{MODEL}, {WEIGHTS}, report.html")

    def _page(self) -> ModelReport:
        settings, target, estimator = self.settings, self.model.target, self.model.estimator
        name = Path(settings.data).name
        pictures = self.held.images if self.preparation.images else None
        network = estimator.network()
        made = {
            "command": settings.command(),
            "model": self.choice.said(),
            "gradient": self.checked,
            "seed": f"{settings.seed}, for the rows held out, the first weights and the order of the rows",
            "time": f"{self.seconds:.2f} s",
            **versions(),
            "made": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.began)),
        }
        if target.task == "classification":
            shown = np.bincount(self.y, minlength=len(target.classes)).tolist()
            counts = [(str(c), n) for c, n in zip(target.classes, shown, strict=True)]
        else:
            counts = []
        return ModelReport(
            title=f"{target.name} from {name}",
            lead=f"{self.choice.name[:1].upper()}{self.choice.name[1:]} learned from {len(self.y):,} rows; it is "
            f"judged on {len(self.y_held):,} others that it never saw.",
            figures=self._figures(),
            scores=self.scores,
            y=self.y_held if target.task == "classification" else target.decode(self.y_held),
            said=self.said,
            probabilities=self.probabilities,
            curves={
                name: _curve(getattr(estimator, attribute, None))
                for name, attribute in _CURVES.items()
                if attribute != "validation_scores_" or getattr(estimator, "scoring", None) != "loss"
            },
            found=self.found,
            linear=isinstance(network, nn.Linear),
            data=[
                ("file", f"{name}: {self.table.summary()}"), *(("found", note) for note in self.table.notes),
                ("target", target.said()), ("held out", f"{len(self.y_held):,} rows, {settings.split}"),
            ],
            columns=[(column, f"{kind}: {said}") for column, kind, said in self.preparation.described()],
            counts=counts,
            X=_grey(pictures),
            first=_first_layer(network, pictures),
            network=str(network),
            graph=_graph(estimator),
            made={k: v for k, v in made.items() if v},
            notes=self.notes,
        )  # fmt: skip

    def _figures(self) -> dict[str, str]:
        scores = self.scores
        if isinstance(scores, ClassScores):
            figures = {"held-out accuracy": share(scores.accuracy, 2)}
            if scores.log_loss is not None:
                figures["log-loss"] = f"{scores.log_loss:.4f}"
            if len(scores.classes) == 2:
                name = scores.classes[1]
                figures[f"precision of {name}"[:40]] = share(float(scores.precision[1]))
                figures[f"recall of {name}"[:40]] = share(float(scores.recall[1]))
            elif len(scores.classes) <= MOST_CLASSES:
                figures["classes"] = f"{len(scores.classes)}"
        else:
            figures = {"held-out R²": f"{scores.r2:.4f}" if np.isfinite(scores.r2) else "–"}
            figures |= {"mean absolute error": shown(scores.mae), "RMSE": shown(scores.rmse)}
        features = len(self.preparation.feature_names)
        return figures | {
            "rows learned": f"{len(self.y):,}", "features": f"{features:,}",
            "parameters": f"{self.model.estimator.network().count():,}",
        }  # fmt: skip


def show_telling(found: Sequence[Telling]) -> None:
    """Print the features that tell most, of the first few outputs."""
    found = [each for each in found if each.features]
    if found:
        typer.echo("\nmost telling")
    for each in found[:_TOLD]:
        typer.echo("\n".join(each.lines(common.width())))
    if len(found) > _TOLD:
        typer.echo(f"… and for {len(found) - _TOLD} more, which the report page shows")


def _curve(values: Any) -> list[float]:
    return [] if values is None else [float(v) for v in np.asarray(values, np.float64).ravel()]


def _graph(estimator: Any) -> str:
    """A training step as text, where the estimator still has it."""
    try:
        text = estimator.graph().text(fold=True)
    except (AttributeError, NotImplementedError, DataError):
        return ""
    return "\n".join(line.split("  # ")[0] for line in text.splitlines())


def _grey(pictures: Array | None) -> Array | None:
    """Pictures of one shade; those of several colours by their mean."""
    if pictures is None or pictures.ndim == 3:
        return pictures
    return pictures.mean(axis=-1 if pictures.shape[-1] <= 4 else 1)


def _first_layer(network: nn.Layer, pictures: Array | None) -> Array | None:
    """The weights on the pixels, of shape (height, width, units)."""
    if pictures is None or pictures.ndim != 3:
        return None
    first = next((p for _, p in network.named_parameters() if len(p.shape) == 2), None)
    height, width = pictures.shape[1:]
    if first is None or first.shape[0] != height * width:
        return None
    return np.asarray(first.value, np.float64).reshape(height, width, -1)
