"""Training: the loop, its history, early stopping, the update monitor, and the search for a learning rate."""

from glassgrad.train.callbacks import Callback, Monitor, Patience, ProgressBar, TrainingWarning
from glassgrad.train.comparison import Comparison, without_backpropagation
from glassgrad.train.engine import Engine, Memory, NumpyEngine, Stretch
from glassgrad.train.engines import ENGINES
from glassgrad.train.history import History
from glassgrad.train.learner import Learner, Snapshot
from glassgrad.train.online import Online
from glassgrad.train.penalty import L2
from glassgrad.train.perturbation import Activations, HillClimbing, ParallelWeights, Perturbation, SingleWeight
from glassgrad.train.perturbing import PerturbationTrainer
from glassgrad.train.rate_finder import RateSearch, find_rate
from glassgrad.train.recipes import DIGITS_EPOCHS, digits_trainer
from glassgrad.train.rows import Rows
from glassgrad.train.step_graphs import forward_graph, gradient_graph, training_graph
from glassgrad.train.trainer import Trainer

__all__ = [
    "DIGITS_EPOCHS", "ENGINES", "Activations", "Callback", "Comparison", "Engine", "HillClimbing", "History", "L2",
    "Learner", "Memory", "Monitor", "NumpyEngine", "Online", "ParallelWeights", "Patience", "Perturbation",
    "PerturbationTrainer", "ProgressBar", "RateSearch", "Rows", "SingleWeight", "Snapshot", "Stretch", "Trainer",
    "TrainingWarning", "digits_trainer", "find_rate", "forward_graph", "gradient_graph", "training_graph",
    "without_backpropagation",
]  # fmt: skip
