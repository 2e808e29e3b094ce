"""Data sets that come with the package, and splitting off what is held out.

Default dtypes: features are float32; labels int64, numbers to be predicted float32.
"""

from glassgrad.data.builtin import digits, xor
from glassgrad.data.splits import split

__all__ = ["digits", "split", "xor"]
