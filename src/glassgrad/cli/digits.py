"""`glassgrad train digits`: from the built-in digits to a network and a report page."""

from __future__ import annotations

import dataclasses
import itertools
import sys
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import typer

from glassgrad import __version__, data, nn, optim, storage
from glassgrad.cli import common, folders
from glassgrad.cli.runs import collected, console, diagnosed, proof, proved, versions
from glassgrad.cli.settings import Settings
from glassgrad.errors import DataError
from glassgrad.train import DIGITS_EPOCHS, History, Trainer, digits_trainer
from glassgrad.views.report import Report
from glassgrad.views.scores import confusion

Array = np.ndarray[Any, Any]
_OPTIONS = (
    "--epochs", "--hidden", "--batch-size", "--rate", "--optimizer", "--patience", "--held-out",
)  # fmt: skip
_HIDDEN, _PICTURE, _CHECKED = (64,), (8, 8), 8


def train_digits(settings: Settings) -> None:
    """Train on the digits; write the model and the page."""
    for option in settings.asked():
        if option in ("--seed", *_OPTIONS):
            continue
        raise common.UsageError(f"{option} is for a file of your own; digits takes {', '.join(_OPTIONS)}")
    seed, epochs = settings.seed, settings.epochs or DIGITS_EPOCHS
    optimizer = _optimizer(seed, settings.optimizer or "sgd", settings.rate)
    trainer = _trainer(seed, _HIDDEN if settings.hidden is None else settings.hidden, settings.batch_size, optimizer)
    parts = data.split(*data.digits(), held_out=settings.held_out, seed=seed, stratify=True)
    job = _Job(trainer, parts, settings.command(), settings.quiet)
    folder = folders.take(settings.output, "digits-model", settings.overwrite)
    try:
        job.check()
        history = job.fit(epochs, settings.patience)
        job.tell(history)
        if settings.diagnose:
            diagnosed(job.trainer, None, None, (job.X_held, job.y_held))
        job.write(folder, history)
    finally:
        folder.give_up()
    if history.stopped == "interrupted":
        raise typer.Exit(common.INTERRUPTED)
    if history.stopped == "diverged":
        raise typer.Exit(common.WRONG)


def _optimizer(seed: int, name: str, rate: float | None) -> Any:
    """The optimiser of this name, at this rate or its usual one."""
    if name == "sgd":
        usual = digits_trainer(seed).optimizer
        return usual if rate is None else dataclasses.replace(cast(Any, usual), rate=rate)
    if name == "lbfgs" and rate is not None:
        raise common.UsageError("lbfgs searches along a line and has no --rate")
    return optim.named(name, **({} if rate is None else {"rate": rate}))


def _trainer(seed: int, hidden: tuple[int, ...], batch_size: int | None, optimizer: Any) -> Trainer:
    """The trainer of the digits, with what was asked for changed."""
    usual = digits_trainer(seed)
    net = usual.net
    if hidden != _HIDDEN:
        widths = (64, *hidden, 10)
        layers = [part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())]
        net = nn.Sequential(*layers[:-1])
    return Trainer(net, usual.loss, optimizer, batch_size=batch_size or usual.batch_size, seed=seed)


class _Job:
    """One training run on the command line, from the check to the files."""

    def __init__(self, trainer: Trainer, parts: tuple[Array, ...], command: str, quiet: bool) -> None:
        self.trainer, self.command, self.quiet = trainer, command, quiet
        self.X, self.X_held, self.y, self.y_held = parts
        self.began = time.time()
        self.checked, self.graph = "", ""
        self.notes: list[str] = []
        widths = [p.shape for name, p in trainer.net.named_parameters() if len(p.shape) == 2]
        self.layers = "-".join(str(n) for n in [widths[0][0], *(w[1] for w in widths)])

    def say(self, text: str = "") -> None:
        """Print a line, unless all is to be quiet."""
        if not self.quiet:
            typer.echo(text)

    def check(self) -> None:
        """Prove the gradient of the network on a few examples, before anything is learned."""
        self.say(f"digits   {len(self.X):,} examples to learn from, {len(self.X_held):,} held out")
        self.say(
            f"network  {self.layers}, {self.trainer.net.count():,} parameters, {self.trainer.dtype}, "
            f"seed {self.trainer.seed}"
        )
        report, self.graph = proof(self.trainer.net, cast(Any, self.trainer.loss), self.X[:_CHECKED], self.y[:_CHECKED])
        if not report:
            common.fail(f"the gradient of the network is wrong, so it is not trained\n{report}", common.WRONG)
        self.checked = proved(report)
        self.say(self.checked)

    def fit(self, epochs: int, patience: int | None) -> History:
        """Train, with a bar where there is a terminal to draw it in."""
        with collected(self.notes):
            return self.trainer.fit(
                self.X, self.y, epochs=epochs, validation=(self.X_held, self.y_held), patience=patience,
                progress=console() if not self.quiet and sys.stderr.isatty() else False,
            )  # fmt: skip

    def tell(self, history: History) -> None:
        """Say how it went."""
        if history.stopped == "interrupted":
            common.warn(f"interrupted after {history.steps:,} steps: what was learned until then is kept")
        elif history.stopped == "patience":
            self.say(f"ended early, the weights of epoch {history.best_epoch} are put back")
        self.say(
            f"trained  {len(history.epoch)} epochs, {history.steps:,} steps in {history.seconds:.2f} s "
            f"({history.steps_per_second:,.0f} steps/s)"
        )
        said = np.asarray(self.trainer.predict(self.X_held))
        if np.all(said == said[0]):
            self.notes.append(f"every held-out picture is read as {said[0]}: nothing was learned; try another --rate")
        self.found = self.trainer.evaluate(self.X_held, self.y_held)
        right = int(np.count_nonzero(said == self.y_held))
        self.say()
        if not self.quiet:
            _print_confusion(confusion(self.y_held, said, 10))
        ratios = [
            f"{n} {np.median(history.update_ratio[n]):.2%}"
            for n, p in self.trainer.trainable
            if len(p.shape) > 1 and history.update_ratio.get(n)
        ]
        if ratios:
            self.say(f"\nupdates  a step changes {', '.join(ratios)} of its size (0.1 to 1 % is usual)")
        for note in self.notes:
            common.warn(note)
        loss = f"loss {self.found['loss']:.4f}"
        typer.echo(f"held-out accuracy {self.found['accuracy']:.2%} ({right} of {len(said)}), {loss}")

    def write(self, folder: folders.Folder, history: History) -> None:
        """Write the model and the page, and say where."""
        if history.stopped != "interrupted" and history.stopped:
            ended = history.stopped
        else:
            ended = "interrupted" if history.stopped else "all epochs"
        info = {
            "data": "digits", "command": self.command, "seed": self.trainer.seed, "steps": history.steps,
            "epochs": len(history.epoch), "ended": ended, "held_out_rows": len(self.X_held),
            "held_out_accuracy": self.found["accuracy"], "held_out_loss": self.found["loss"],
            "classes": list(range(10)), "picture": list(_PICTURE), "scale": "pixels 0 to 16, divided by 16",
            "glassgrad": __version__,
        }  # fmt: skip
        path = self._save(folder, info)
        page = Report(
            title="Handwritten digits",
            trainer=self.trainer,
            history=history,
            X=self.X_held,
            y=self.y_held,
            lead=f"A {self.layers} network learned {len(self.X):,} pictures of 8 × 8 pixels; it is judged on "
            f"{len(self.X_held):,} others that it never saw.",
            picture=_PICTURE,
            made=self._made(history),
            checked=self.checked,
            graph=self.graph,
            notes=self.notes,
        )
        page.write(path / "report.html")
        if folder.instead_of is not None:
            typer.echo(f"{folder.instead_of} exists and is left as it is")
        common.written(path, f"{storage.MODEL}, {storage.WEIGHTS}, report.html")

    def _save(self, folder: folders.Folder, info: dict[str, Any]) -> Path:
        """Store the network; where the folder was filled while it learned, under the next free name."""
        net, loss = self.trainer.net, self.trainer.loss
        assert not callable(loss)
        try:
            return storage.save(net, folder.path, loss=loss, info=info, overwrite=folder.overwrite)
        except DataError as error:
            common.warn(str(error))
            other = folders.next_free(folder.path)
            return storage.save(net, other.path, loss=loss, info=info)

    def _made(self, history: History) -> dict[str, str]:
        optimizer, batch = self.trainer.optimizer, self.trainer.batch_size
        return {
            "command": self.command,
            "data": f"scikit-learn's digits, {len(self.X):,} to learn from and {len(self.X_held):,} held out, "
            "stratified by class",
            "loss": "mean of −log p(y | x), softmax output",
            "optimiser": f"{_settings(optimizer)}, {min(batch or len(self.X), len(self.X))} examples in a step",
            "seed": f"{self.trainer.seed}, for the split, the first weights and the order of the examples",
            "time": f"{history.seconds:.2f} s, of which {history.step_seconds:.2f} s training steps "
            f"({history.steps_per_second:,.0f} a second) and {history.compile_seconds:.2f} s recording the graph",
            **versions(),
            "made": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.began)),
        }


def _settings(optimizer: Any) -> str:
    """An optimiser with its rate and the settings that are not the usual ones."""
    said = [
        f"{f.name}={value!r}"
        for f in dataclasses.fields(optimizer)
        if (value := getattr(optimizer, f.name)) and (f.name == "rate" or value != f.default)
    ]
    return f"{type(optimizer).__name__}({', '.join(said)})"


def _print_confusion(counts: Array) -> None:
    """The confusion table: a row for each digit that was written, a column for each that was read."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("written", justify="right", style="bold", no_wrap=True)
    for j in range(len(counts)):
        table.add_column(str(j), justify="right", min_width=2, no_wrap=True)
    table.add_column("right", justify="right", no_wrap=True)
    for i, row in enumerate(counts):
        cells = [
            Text(str(n) if n else "·", style="green" if i == j else "bold red" if n else "dim")
            for j, n in enumerate(row)
        ]
        share = f"{row[i] / row.sum():.0%}" if row.sum() else ""
        table.add_row(str(i), *cells, share)
    console = Console(highlight=False)
    console.print("confusion: a row for the digit that was written, columns for what was read", markup=False)
    console.print(table)
