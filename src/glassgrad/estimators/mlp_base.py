"""What both multilayer perceptrons share: from checked data and settings to a trained network."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from glassgrad import nn, optim
from glassgrad.distributions import Distribution
from glassgrad.errors import DataError, NoAttributeError, OperandError
from glassgrad.estimators import mlp_settings as settings
from glassgrad.estimators import networks
from glassgrad.estimators.base import NetworkEstimator, features, in_shares, seed_of
from glassgrad.estimators.stopping import Convergence
from glassgrad.graphs import Graph
from glassgrad.parameters import Parameter
from glassgrad.train import L2, History, Learner, Rows, Trainer
from glassgrad.train.workshop import Workshop, workshops

Array = np.ndarray[Any, Any]


class BaseMLP(NetworkEstimator):
    """Fitting, shared; the classes below say what y is and what the outputs mean."""

    stored = (
        "net_", "distribution_", "n_outputs_", "n_layers_", "out_activation_", "n_features_in_", "n_iter_", "t_",
        "loss_", "loss_curve_", "best_loss_", "validation_scores_", "validation_loss_curve_",
        "best_validation_score_",
    )  # fmt: skip

    hidden_layer_sizes: Any
    activation: Any
    loss: Any
    solver: Any
    alpha: float
    batch_size: Any
    learning_rate: Any
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: bool
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: float
    dropout: Any
    scoring: Any
    callbacks: Any
    monitor: bool
    engine: str
    threads: int | None
    net_: nn.Sequential
    distribution_: Distribution
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    validation_loss_curve_: list[float] | None
    _batch_seen: tuple[int, int, Any, Any, Any, Any, bool]
    _trainer: tuple[Trainer, Any, Parameter | None]

    def _keep(self, given: dict[str, Any]) -> None:
        """Keep the arguments of ``__init__`` as they are, under their names."""
        for name in self._get_param_names():
            setattr(self, name, given[name])

    # What the classes below define

    def _targets(self, y: Any, first: bool, classes: Any = None) -> Array:
        """The targets as the loss takes them; what is known of them becomes attributes."""
        raise NotImplementedError

    def _loss_of(self, y: Array) -> tuple[Distribution, Any, int]:
        """The distribution that reads the outputs, the loss, and how many outputs it needs."""
        raise NotImplementedError

    def _score_of(self, output: Array, y: Array) -> float:
        """How good outputs are for such targets: accuracy or R²."""
        raise NotImplementedError

    def _weights(self, X: Any, y: Any, sample_weight: Any) -> Array | None:
        """How much each row counts."""
        raise NotImplementedError

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        """X and y as scikit-learn checks them."""
        raise NotImplementedError

    # Fitting

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, X_val: Any = None, y_val: Any = None, once: bool = False,
        classes: Any = None,
    ) -> Any:  # fmt: skip
        """Train; `once`: one pass, going on where the last call ended."""
        settings.check(self)
        hidden = networks.widths(self.hidden_layer_sizes)
        first = not hasattr(self, "net_") or not (self.warm_start or once)
        X, raw = self._checked(X, y, reset=first)
        weight = self._weights(X, raw, sample_weight)
        y = self._targets(raw, first, classes)
        rng = check_random_state(self.random_state)
        seed = seed_of(rng)
        held = None
        if (X_val is None) != (y_val is None):
            raise DataError("X_val and y_val go together: give both, or neither")
        if X_val is not None:
            X_val, raw_val = self._checked(X_val, y_val, reset=False)
            held = X_val, self._targets(raw_val, False)
        stops = bool(self.early_stopping) and not once and not settings.is_full_batch(self)
        if stops and held is None:
            X, y, weight, held = self._split(X, y, weight, rng)
        distribution, loss, outputs = self._loss_of(y)
        if not isinstance(loss, Distribution):
            settings.prove(loss, outputs, y, type(self).__name__)
        if first:
            net = networks.build(X.shape[1], hidden, outputs, self.activation, self.dropout, X.dtype)
            net.initialise(seed)
            self.net_, self.t_, self._made = net, 0, {}
            self.n_outputs_ = outputs if distribution.outputs(np.zeros((1, 1))) == 1 else outputs // 2
            self.n_layers_ = len(networks.connections(net)) + 1
            vars(self).pop("_trainer", None)
        elif [c.n_out for c in networks.connections(self.net_)][-1] != outputs:
            raise DataError(f"y needs {outputs} outputs a row, and the network was made for {self.n_outputs_}")
        self.distribution_ = distribution
        self._run(X, y, weight, held, loss, seed, stops, once)
        return self

    def _split(self, X: Any, y: Array, weight: Any, rng: Any) -> tuple[Any, Array, Any, tuple[Any, Array]]:
        """Rows to train on and rows to look at, classes in equal shares if a row has one and none is too rare."""
        columns = [X, y] if weight is None else [X, y, weight]
        one = is_classifier(self) and (y.ndim == 1 or y.shape[1] == 1)
        by = in_shares(y, self.validation_fraction) if one else None
        parts: list[Any] = train_test_split(*columns, random_state=rng, test_size=self.validation_fraction, stratify=by)
        if parts[1].shape[0] < 2:
            raise DataError("the validation set is too small: raise validation_fraction, or pass X_val and y_val")
        return parts[0], parts[2], None if weight is None else parts[4], (parts[1], parts[3])

    def _run(
        self, X: Any, y: Array, weight: Any, held: Any, loss: Any, seed: int, stops: bool, once: bool,
    ) -> None:  # fmt: skip
        """Train the network, and note how it went."""
        rows = X.shape[0]
        size = self._batch(rows)
        trainer, key, rate = self._make(loss, size, rows, seed, fresh=not once)
        workshop = workshops.take(key, self.engine)
        trainer.use(workshop)
        watcher = None
        if not settings.is_full_batch(self) and not once:
            score = functools.partial(self._judge, held) if stops else None
            adapts = self.learning_rate == "adaptive" and self.solver in ("sgd", "nesterov")
            watcher = Convergence(self.tol, self.n_iter_no_change, score, rate if adapts else None)
        trainer.metrics = {} if held is None else {"score": self._score_of}
        try:
            history = trainer.fit(
                X, y, 1 if once else self.max_iter, validation=held, sample_weight=weight,
                callbacks=[*(self.callbacks or ()), *([] if watcher is None else [watcher])],
                progress=bool(self.verbose), sampling="shuffle" if self.shuffle else "order", monitor=self.monitor,
            )  # fmt: skip
        finally:
            self._put_back(trainer, key, workshop)
        self._note(history, watcher, held is not None, once, rows)

    def _make(self, loss: Any, size: int, rows: int, seed: int, fresh: bool) -> tuple[Trainer, Any, Parameter | None]:
        """The trainer, the kind of its programs, and the rate where it can change."""
        if not fresh and "_trainer" in vars(self):
            trainer, key, rate = self._trainer
            trainer.batch_size = size
            return trainer, key, rate
        dtype = self.net_.named_parameters()[0][1].dtype
        optimizer, rate, kind = settings.optimizer_of(self, -(-rows // size), rows, dtype)
        penalty = None
        if self.alpha and self.solver != "adamw":
            penalty = L2(Parameter(np.array(self.alpha, dtype), "alpha", frozen=True), self._penalised())
        trainer = Trainer(
            self.net_, loss, optimizer, batch_size=size, seed=seed, threads=self.threads, engine=self.engine,
            penalty=penalty,
        )  # fmt: skip
        known = isinstance(loss, Distribution) and type(loss).__module__.startswith("glassgrad.")
        key = self._kind(loss if known else None, kind, penalty is not None)  # a function may change what it reads
        self._trainer = trainer, key, rate
        return self._trainer

    def _penalised(self) -> tuple[str, ...]:
        """The parameters that alpha acts on: the weights of the linear layers."""
        return tuple(f"{i}.W" for i, layer in enumerate(self.net_.layers()) if isinstance(layer, nn.Linear))

    def _kind(self, *parts: Any) -> Any:
        """What tells programs apart: the architecture and more; None where that is not known."""
        units = networks.kind_of(self.activation, self.dropout)
        shapes = tuple((name, p.shape, p.dtype.str) for name, p in self.net_.named_parameters())
        key = (units, shapes, self.threads, *parts)
        try:
            hash(key)
        except TypeError:
            return None
        return None if units is None or None in parts else key

    def _put_back(self, trainer: Trainer, key: Any, workshop: Workshop) -> None:
        """Leave the graphs and programs to the next fit, and let go of the data."""
        workshop.step_seconds = trainer.step_seconds
        trainer.use(Workshop(type(workshop.engine)()))
        if trainer._seen is not None:
            data, size = trainer._seen
            room = (data.room(size), data.X.indices.dtype) if data.sparse else None
            weighted = data.weight is not None
            self._batch_seen = size, data.X.shape[1], data.X.dtype, data.y.shape[1:], data.y.dtype, room, weighted
        trainer.metrics, trainer._seen, trainer.history = {}, None, None
        workshops.put(key, workshop)

    def _batch(self, rows: int) -> int:
        """Rows of a step."""
        if settings.is_full_batch(self):
            return rows
        if self.batch_size == "auto":
            return min(200, rows)
        if self.batch_size > rows:
            warnings.warn(
                f"batch_size={self.batch_size} is more than the {rows} rows there are: all are taken", stacklevel=5
            )
        return min(int(self.batch_size), rows)

    def _judge(self, held: tuple[Any, Array], history: History) -> float:
        """The score of the held-out rows that early stopping goes by."""
        if self.scoring is None:
            return history.metrics["score"][-1]
        if self.scoring == "loss":
            return -history.validation_loss[-1]
        if isinstance(self.scoring, str):
            from sklearn.metrics import get_scorer

            return float(get_scorer(self.scoring)(self, held[0], self._labels(held[1])))
        if not callable(self.scoring):
            raise OperandError(f"scoring is None, 'loss', a scorer's name or a function, not {self.scoring!r}")
        scoring: Any = self.scoring
        return float(scoring(self, held[0], self._labels(held[1])))

    def _labels(self, y: Array) -> Array:
        """Targets as the user has them."""
        return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y

    def _note(self, history: History, watcher: Convergence | None, held: bool, once: bool, rows: int) -> None:
        """The fitted attributes that say how training went."""
        epochs = len(history.train_loss)
        goes_on = once and hasattr(self, "loss_curve_")
        curve = [float(loss) for loss in history.train_loss]
        self.loss_curve_ = [*(self.loss_curve_ if goes_on else ()), *curve]
        self.n_iter_ = epochs
        if curve:
            self.loss_ = self.loss_curve_[-1]
        self.t_ += epochs * rows
        before = (self.validation_scores_ or [], self.validation_loss_curve_ or []) if goes_on else ([], [])
        scores = [
            float(s) for s in (watcher.scores if watcher and watcher.scores else history.metrics.get("score", []))
        ]
        losses = [float(loss) for loss in history.validation_loss]
        self.validation_scores_ = [*before[0], *scores] if held else None
        self.validation_loss_curve_ = [*before[1], *losses] if held else None
        self.best_validation_score_ = max(self.validation_scores_) if self.validation_scores_ else None
        watched = watcher is not None and watcher.score is not None
        self.best_loss_ = None if watched else min(self.loss_curve_, default=np.inf)
        full = settings.is_full_batch(self)
        if not once and epochs >= self.max_iter and history.stopped in (None, "max_iterations"):
            what = "L-BFGS" if full else "the solver"
            warnings.warn(
                f"{what} took max_iter={self.max_iter} {'iterations' if full else 'epochs'} and has not converged yet; "
                "raise max_iter, or scale the features",
                ConvergenceWarning,
                stacklevel=5,
            )

    # Looking at the fitted network

    @property
    def coefs_(self) -> list[Array]:
        """The weights between layers, each of shape (units before, units after); of an rbf layer its centres."""
        return [np.array(layer.W.value) for layer in networks.connections(self._fitted())]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer; of an rbf layer its widths."""
        layers = networks.connections(self._fitted())
        return [np.array((x.sigma if isinstance(x, nn.RadialBasis) else x.b).value) for x in layers]  # type: ignore[union-attr]

    def _fitted(self) -> nn.Sequential:
        if "net_" not in vars(self):
            raise NoAttributeError(f"this {type(self).__name__} is not fitted yet: call fit first")
        return self.net_

    def network(self) -> nn.Layer:
        """The fitted network `net_`: features in, scores (before softmax, sigmoid or exp) out."""
        check_is_fitted(self)
        return self.net_

    def graph(self) -> Graph:
        """The graph of one training step, as it was run: forward, backward, penalty, update."""
        check_is_fitted(self)
        if "_batch_seen" not in vars(self):
            raise DataError("the shapes of the training data are not known of a loaded model: call fit or partial_fit")
        return self._trainer[0].step_graph(_blank(*self._batch_seen), self._batch_seen[0])

    def _outputs(self, X: Any) -> Array:
        """What the network puts out for such rows."""
        if "net_" not in vars(self):
            check_is_fitted(self)
        X = features(self, X, reset=False)
        made: dict[str, Learner] = vars(self).setdefault("_made", {})
        learner = made.get("predictor")
        if learner is None or learner.net is not self.net_:
            learner = Learner(self.net_, self.distribution_, optim.SGD(), threads=self.threads, engine=self.engine)
            learner.use(workshops.shared(self._kind("forward"), self.engine))
            made["predictor"] = learner
        return learner.outputs(X)

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_made"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _blank(size: int, width: int, dtype: Any, y: Any, kind: Any, room: Any, weighted: bool) -> Rows:
    """Rows of zeros of such shapes: a batch of them has the graph that a batch of the data has."""
    target, weight = np.zeros((size, *y), kind), np.ones(size, dtype) if weighted else None
    if room is None:
        return Rows(np.zeros((size, width), dtype), target, weight)
    from scipy.sparse import csr_matrix

    none = np.zeros(0, room[1])
    X = csr_matrix((np.zeros(0, dtype), none, np.zeros(size + 1, room[1])), shape=(size, width))
    return Rows(X, target, weight, _rooms={size: room[0]})


def stochastic(est: Any) -> bool:
    """Whether there is a `partial_fit`: a solver that takes some rows at a time."""
    if settings.is_full_batch(est):
        raise AttributeError(f"partial_fit needs a solver that takes some rows at a time, and {est.solver} takes all")
    return True


def custom(loss: Any) -> Callable[..., Any] | None:
    """A loss that is a function; None for names and distributions."""
    if isinstance(loss, str | Distribution):
        return None
    if isinstance(loss, type) or not callable(loss):
        raise OperandError(
            f"loss is a name, a distribution such as distributions.Laplace(), or a function, not {loss!r}"
        )
    settings.takes(loss)
    return loss
