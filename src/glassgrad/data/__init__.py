"""Data: sets that come with the package, a user's own files, their preparation, and splitting off what is held out.

Default dtypes: features are float32; labels int64, numbers to be predicted float32.
"""

from glassgrad.data.builtin import digits, xor, zigzag
from glassgrad.data.guess import Guess, guess_task
from glassgrad.data.preparation import Preparation
from glassgrad.data.splits import split, split_rows
from glassgrad.data.tables import Table, read
from glassgrad.data.targets import Target

__all__ = [
    "Guess",
    "Preparation",
    "Table",
    "Target",
    "digits",
    "guess_task",
    "read",
    "split",
    "split_rows",
    "xor",
    "zigzag",
]
