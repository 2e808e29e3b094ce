"""The scikit-learn face: estimators whose model is a graph that can be opened."""

from glassgrad.estimators.prepared import PreparedModel
from glassgrad.estimators.saved import load, save

__all__ = ["PreparedModel", "load", "save"]
