"""The scikit-learn face: estimators whose model is a graph that can be opened."""

from glassgrad.estimators.logistic import LogisticRegression

__all__ = ["LogisticRegression"]
