"""The scikit-learn face: estimators whose model is a graph that can be opened."""

from glassgrad.estimators.bounded import NotSeparableWarning
from glassgrad.estimators.logistic import LogisticRegression
from glassgrad.estimators.mlp import MLPClassifier, MLPRegressor
from glassgrad.estimators.perceptron import Perceptron
from glassgrad.estimators.prepared import PreparedModel
from glassgrad.estimators.rbf import RBFFeatures
from glassgrad.estimators.saved import load, save
from glassgrad.estimators.separability import Separation, separation

__all__ = [
    "LogisticRegression", "MLPClassifier", "MLPRegressor", "NotSeparableWarning", "Perceptron", "PreparedModel",
    "RBFFeatures", "Separation", "load", "save", "separation",
]  # fmt: skip
