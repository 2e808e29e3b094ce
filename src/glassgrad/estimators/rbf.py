"""RBFFeatures: generic features, each the closeness to a centre."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from glassgrad import nn, optim
from glassgrad.distributions import Gaussian
from glassgrad.errors import DataError, OperandError, ShapeError, unknown
from glassgrad.estimators.base import NetworkEstimator, features, seed_of
from glassgrad.graphs import Graph
from glassgrad.op import Spec
from glassgrad.train import Learner, forward_graph
from glassgrad.train.workshop import workshops

Array = np.ndarray[Any, Any]
_WAYS = ("kmeans", "rows")


class RBFFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator):
    """exp(−gamma · ‖x − c‖²) for each of some centres c: 1 at the centre, near 0 far from it.

    The generic way to choose features: none of it knows the task, and enough centres fit any smooth function, as a
    linear model on top shows. The centres are fixed by `fit`, which never sees y; `MLPClassifier(activation="rbf")`
    learns them.

    Parameters
    ----------
    n_centers : int
        How many; at most as many as there are rows.
    gamma : "scale" or float
        How fast closeness fades with the squared distance; "scale" is 1 / (features · variance of X), as
        scikit-learn's kernels have it.
    centers : "kmeans", "rows" or array
        The means of clusters of the rows, rows drawn at random, or the centres themselves, (centres, features).
    random_state : int, RandomState or None
        Of the clusters, or of the rows drawn.
    engine : {"native", "numpy"}
        Machine code, or NumPy gate by gate.

    Attributes
    ----------
    centers_ : array, (centres, features)
        The centres.
    gamma_ : float
        The gamma that is used.
    layer_ : nn.RadialBasis
        What computes the features; `network()` gives it.

    Examples
    --------
    >>> import glassgrad as gg
    >>> from glassgrad.estimators import RBFFeatures
    >>> X, y = gg.data.xor()
    >>> print(RBFFeatures(gamma=1.0, centers=[[0, 0], [1, 1]]).fit_transform(X).round(2))
    [[1.   0.14]
     [0.37 0.37]
     [0.37 0.37]
     [0.14 1.  ]]
    """

    stored: ClassVar[tuple[str, ...]] = ("centers_", "gamma_", "layer_", "n_features_in_")
    n_features_in_: int
    layer_: nn.RadialBasis
    centers_: Array

    def __init__(
        self, n_centers: int = 100, *, gamma: Any = "scale", centers: Any = "kmeans", random_state: Any = None,
        engine: str = "native",
    ) -> None:  # fmt: skip
        self.n_centers, self.gamma, self.centers = n_centers, gamma, centers
        self.random_state, self.engine = random_state, engine

    def fit(self, X: Any, y: Any = None) -> RBFFeatures:
        """Choose the centres.

        Parameters
        ----------
        X : array_like, (rows, features)
            Numbers of about one scale: distances mix all features.
        y : ignored
            Taken so that it fits into a Pipeline.
        """
        X = features(self, X, reset=True, sparse=False)
        self.gamma_ = self._fading(X)
        self.centers_ = self._chosen(X).astype(X.dtype)
        count, n = self.centers_.shape
        layer = nn.RadialBasis(n, count, widths=nn.Constant(self.gamma_**-0.5), dtype=X.dtype, seed=0)
        layer.W.value = self.centers_.T
        self.layer_, self._made = layer, {}
        return self

    def transform(self, X: Any) -> Array:
        """The closeness of each row to each centre, (rows, centres)."""
        check_is_fitted(self)
        X = features(self, X, reset=False, sparse=False)
        made: dict[str, Learner] = vars(self).setdefault("_made", {})
        learner = made.get("learner")
        if learner is None or learner.net is not self.layer_:
            learner = made["learner"] = Learner(self.layer_, Gaussian(), optim.SGD(), engine=self.engine)
            learner.use(workshops.shared(("rbf", self.layer_.W.shape, self.layer_.W.dtype.str), self.engine))
        return learner.outputs(X)

    def network(self) -> nn.Layer:
        """The layer of radial basis units."""
        check_is_fitted(self)
        return self.layer_

    def graph(self) -> Graph:
        """The graph from one row to its features; nothing is trained."""
        layer = self.network()
        return forward_graph(layer, layer.named_parameters(), Spec((1, self.n_features_in_), self.layer_.W.dtype))

    def _fading(self, X: Array) -> float:
        if isinstance(self.gamma, str):
            if self.gamma != "scale":
                raise unknown("gamma", self.gamma, ["scale"])
            spread = float(X.var(dtype=np.float64))
            return 1.0 / (X.shape[1] * spread) if spread > 0 else 1.0
        if isinstance(self.gamma, bool) or not isinstance(self.gamma, Real):
            raise OperandError(f"RBFFeatures: gamma is 'scale' or a number above 0, not {self.gamma!r}")
        if not 0 < float(self.gamma) < np.inf:
            raise DataError(f"RBFFeatures: gamma is a finite number above 0, and is {self.gamma}")
        return float(self.gamma)

    def _chosen(self, X: Array) -> Array:
        if not isinstance(self.centers, str):
            given = np.asarray(self.centers, np.float64)
            if given.ndim != 2 or given.shape[1] != X.shape[1] or not len(given):
                raise ShapeError(
                    f"RBFFeatures: centers have the shape {given.shape}, and (centres, {X.shape[1]}) is needed, one "
                    "number for each feature"
                )
            if not np.all(np.isfinite(given)):
                raise DataError("RBFFeatures: centers must be finite")
            return given
        if self.centers not in _WAYS:
            raise unknown("way to choose centers", self.centers, _WAYS)
        if isinstance(self.n_centers, bool) or not isinstance(self.n_centers, Integral) or self.n_centers < 1:
            raise DataError(f"RBFFeatures: n_centers is a whole number from 1 up, not {self.n_centers!r}")
        rng, count = check_random_state(self.random_state), min(int(self.n_centers), len(X))
        if self.centers == "rows" or count == len(X):
            return X[rng.permutation(len(X))[:count]]
        from sklearn.cluster import KMeans

        settings: Any = {"n_init": 1, "random_state": seed_of(rng)}
        return KMeans(count, **settings).fit(X).cluster_centers_

    @property
    def _n_features_out(self) -> int:
        return len(self.centers_)

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_made"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
