"""The scikit-learn face: estimators whose model is a graph that can be opened."""

from glassgrad.estimators.bounded import NotSeparableWarning
from glassgrad.estimators.perceptron import Perceptron
from glassgrad.estimators.separability import Separation, separation

__all__ = ["NotSeparableWarning", "Perceptron", "Separation", "separation"]
