"""Where the doctor draws its lines: every threshold with its reason, in one table."""

from __future__ import annotations

from dataclasses import dataclass

from glassgrad.train.callbacks import TOO_LARGE, TOO_SMALL


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number and why it is this one."""

    value: float
    why: str


THRESHOLDS: dict[str, Threshold] = {
    "rows": Threshold(1000, "a share of 1,000 rows is known to about 3 points; more would only cost time"),
    "few rows": Threshold(
        30, "on fewer rows a sound unit is silent by chance: of XOR's four, on all in one case of four"
    ),
    "dead share": Threshold(
        0.5, "sound runs at a brisk rate lose up to a third of a layer; from half on it is too narrow"
    ),
    "stuck share": Threshold(0.25, "sound layers have next to no unit that is flat on nearly every row"),
    "flat slope": Threshold(0.01, "at this slope 99 % of what comes from above is lost: |tanh| > 0.995, σ within 0.01"),
    "flat rows": Threshold(0.9, "a unit that is flat on nine rows of ten learns from the tenth only"),
    "signal lost": Threshold(1e-2, "differences between rows shrunk to a hundredth from input to last hidden layer"),
    "signal grown": Threshold(100, "a hidden layer a hundred times as large as its input: sound ones stay near one"),
    "gradient ratio": Threshold(
        1e-3, "a layer whose gradient is a thousandth of another's takes steps that do nothing"
    ),
    "copied units": Threshold(0.5, "half the units of a layer compute what another does: chance never makes two equal"),
    "large input": Threshold(
        20, "of feature size 20 on, one weight of 0.1 saturates a tanh; 0 to 16 still learns well"
    ),
    "small input": Threshold(1e-3, "inputs below a thousandth drown in any bias; unit-norm columns (0.05) do not"),
    "unequal inputs": Threshold(100, "one rate cannot suit features a hundred times as large as most others"),
    "offset": Threshold(10, "a mean of ten deviations hides the differences that are to be learned"),
    "constant features": Threshold(0.5, "blank margins of pictures are usual; half of all features is a mistake"),
    "large target": Threshold(
        1000, "a fresh network puts out about 1; at 1,000 its first errors are 1,000 times too big"
    ),
    "small target": Threshold(1e-3, "targets below a thousandth are lost in the noise of a fresh network's output"),
    "conflicting rows": Threshold(0.1, "equal rows with different labels cap what any model can reach"),
    "imbalance": Threshold(20, "with 20 rows for one, always saying the larger class is 95 % right"),
    "tested rows": Threshold(50, "on fewer rows, chance and a weak dependence cannot be told apart"),
    "deviations": Threshold(3, "standard deviations from chance: one sound run of 700 looks otherwise"),
    "cut rows": Threshold(0.05, "one row of twenty that is wrong and teaches nothing is more than an outlier"),
    "large update": Threshold(TOO_LARGE, "ten times the usual 1 % in three steps running, as `train.Monitor` has it"),
    "small update": Threshold(TOO_SMALL, "a hundredth of the usual 0.1 %, as `train.Monitor` has it"),
    "first steps": Threshold(3, "the first steps of adaptive methods are several times as large as later ones"),
    "learned": Threshold(0.02, "a loss within 2 % of the best constant answer's means that nothing was learned"),
    "epochs": Threshold(20, "before, a loss may still wait on a plateau"),
    "steps": Threshold(500, "so may it where an epoch is a step or two"),
    "overfit gap": Threshold(
        2 / 3, "of what is explained of the rows learned from, sound runs keep over a third held out"
    ),
    "overfit loss": Threshold(0.1, "less than a tenth of the best constant answer's loss changes few answers"),
    "overfit rise": Threshold(1.5, "noise moves a held-out loss by a few per cent; half above its lowest is a trend"),
}
"""Name of a threshold to its value and reason."""


def at(name: str) -> float:
    """The value of a threshold."""
    return THRESHOLDS[name].value
