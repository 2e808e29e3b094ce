"""The scikit-learn face: estimators whose model is a graph that can be opened."""

from glassgrad.estimators.logistic import LogisticRegression
from glassgrad.estimators.mlp import MLPClassifier, MLPRegressor
from glassgrad.estimators.prepared import PreparedModel
from glassgrad.estimators.saved import load, save

__all__ = ["LogisticRegression", "MLPClassifier", "MLPRegressor", "PreparedModel", "load", "save"]
