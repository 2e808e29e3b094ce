"""The scikit-learn face: estimators whose model is a graph that can be opened."""

from glassgrad.estimators.bounded import NotSeparableWarning
from glassgrad.estimators.logistic import LogisticRegression
from glassgrad.estimators.mlp import MLPClassifier, MLPRegressor
from glassgrad.estimators.perceptron import Perceptron
from glassgrad.estimators.separability import Separation, separation

__all__ = [
    "LogisticRegression", "MLPClassifier", "MLPRegressor", "NotSeparableWarning", "Perceptron", "Separation",
    "separation",
]  # fmt: skip
