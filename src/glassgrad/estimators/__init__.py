"""The scikit-learn face: estimators whose model is a graph that can be opened."""
