"""What can be wrong with training: every illness by its code, causes before symptoms, each with what to try."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Illness:
    """One thing that can be wrong.

    Attributes
    ----------
    code : str
        Its short name.
    title : str
        What it is, in a few words.
    remedies : tuple of str
        What to try, the likeliest first.
    symptoms : tuple of str
        Codes of what may follow from it.
    """

    code: str
    title: str
    remedies: tuple[str, ...]
    symptoms: tuple[str, ...] = ()


_NO_LEARNING = ("constant-output", "stalled", "small-updates")
_NUMBERS = ("saturated-units", "dead-units", "large-updates", "diverged", "growing-activations", *_NO_LEARNING)

_ALL = (
    Illness(
        "unscaled-inputs", "features far from unit size, or of very different sizes",
        ("scale each feature: (X - X.mean(axis=0)) / X.std(axis=0), or sklearn's StandardScaler in a pipeline",
         "keep the numbers it used, and apply the same to every row that is predicted"),
        ("exploding-gradients", "vanishing-gradients", "shrinking-activations", "dead-units", *_NUMBERS),
    ),
    Illness(
        "constant-features", "features that are the same in every row",
        ("look at how X was made: a column filled with one value says nothing", "drop these columns"), _NO_LEARNING,
    ),
    Illness(
        "constant-labels", "all labels are the same",
        ("look at how y was made: a wrong column, or a filter or sort that left one class",
         "split with data.split(X, y, stratify=True)"),
        ("classes-missing", "constant-output", "small-updates", "stalled"),
    ),
    Illness(
        "classes-missing", "classes that the network has an output for and no row of",
        ("split with data.split(X, y, stratify=True)",
         "number the classes from 0 without gaps, and give the last Linear as many outputs as there are"),
    ),
    Illness(
        "class-imbalance", "one class has many times the rows of another",
        ("MLPClassifier(class_weight='balanced'), or fit(sample_weight=…) with one over each class's share",
         "judge by precision and recall, not by accuracy"),
        ("constant-output", "stalled"),
    ),
    Illness(
        "conflicting-labels", "equal rows with different labels",
        ("look for a feature that was left out or rounded away, and that tells these rows apart",
         "look whether labels were shifted or joined to the wrong rows"),
        ("stalled",),
    ),
    Illness(
        "unlearnable-labels", "the labels do not depend on the features",
        ("look whether X and y were shuffled, sorted or filtered apart: they must keep one order",
         "read some rows beside their labels", "pass validation=(X, y) of held-out rows to be sure"),
        ("overfitting", "stalled", "constant-output"),
    ),
    Illness(
        "unscaled-targets", "numbers to be predicted are far from unit size",
        ("learn (y - y.mean()) / y.std(), and scale predictions back", "distributions.Poisson() as the loss of counts"),
        ("large-updates", "diverged", "exploding-gradients", *_NO_LEARNING),
    ),
    Illness(
        "probabilities-as-logits", "the network puts out probabilities, and the loss expects logits",
        ("leave out the last Softmax or Sigmoid: Categorical and Bernoulli apply it themselves, and stably",
         "trainer.predict_proba gives the probabilities"),
        ("saturated-units", "vanishing-gradients", "overfitting", *_NO_LEARNING),
    ),
    Illness(
        "loss-cuts-gradients", "the loss stops the gradient of rows that are wrong",
        ("use loss=distributions.Bernoulli() or Categorical() on logits: nothing overflows, so nothing is clipped",
         "or clip gradients instead of the loss: optim.SGD(rate, clip_norm=1.0)"),
        _NO_LEARNING,
    ),
    Illness(
        "unused-parameters", "parameters that no gradient reaches",
        ("use them in forward, or remove them", "net.freeze('name') where they are meant to stay as they are"),
    ),
    Illness(
        "zero-weights", "a hidden layer starts with all weights zero",
        ("start at random: nn.Linear(n, m, weight=nn.HeNormal()) for ReLU, nn.GlorotUniform() for tanh",
         "net.initialise(seed, again=True)"),
        ("symmetric-units", "shrinking-activations", "vanishing-gradients", "dead-units", *_NO_LEARNING),
    ),
    Illness(
        "symmetric-units", "units that start alike, get the same gradient, and stay alike",
        ("start at random: nn.Linear(n, m, weight=nn.HeNormal()) for ReLU, nn.GlorotUniform() for tanh",
         "net.initialise(seed, again=True)"),
        ("dead-units", "stalled", "constant-output"),
    ),
    Illness(
        "no-nonlinearity", "linear layers with nothing between them, which are together one linear layer",
        ("put nn.ReLU() or nn.Tanh() between them",), ("stalled",),
    ),
    Illness(
        "growing-activations", "activations grow from layer to layer",
        ("start smaller: weight=nn.HeNormal() for ReLU, nn.GlorotUniform() for tanh",
         "a smaller rate where they have grown in training, or weight_decay=1e-4"),
        ("saturated-units", "exploding-gradients", "large-updates", "diverged", "small-updates"),
    ),
    Illness(
        "exploding-gradients", "the first layers get a far larger gradient than the last",
        ("clip_norm=1.0 in the optimizer", "smaller first weights: weight=nn.HeNormal() or nn.GlorotUniform()"),
        ("large-updates", "diverged", "dead-units", "saturated-units"),
    ),
    Illness(
        "large-updates", "a step changes weights by far more than the usual 0.1 to 1 %",
        ("a rate ten times as small, or train.find_rate(trainer, X, y)", "clip_norm=1.0 in the optimizer"),
        ("diverged", "stalled", "constant-output", "dead-units", "saturated-units"),
    ),
    Illness(
        "dead-units", "units that are off on every row: no gradient reaches their weights",
        ("a smaller rate: dead units mostly come from one step that was too large",
         "start biases above 0: nn.Linear(n, m, bias_init=nn.Constant(0.1))",
         "nn.LeakyReLU() or nn.ELU() in place of nn.ReLU()"),
        ("vanishing-gradients", "shrinking-activations", *_NO_LEARNING),
    ),
    Illness(
        "saturated-units", "units that are flat on nearly every row: their gradient is nearly zero",
        ("smaller first weights: weight=nn.GlorotUniform() for tanh and sigmoid",
         "a smaller rate, or weight_decay=1e-4", "nn.ReLU() in place of nn.Tanh() or nn.Sigmoid()"),
        ("vanishing-gradients", "shrinking-activations", *_NO_LEARNING),
    ),
    Illness(
        "shrinking-activations", "differences between rows die out from layer to layer",
        ("start larger: weight=nn.HeNormal() for ReLU, nn.GlorotUniform() for tanh", "use fewer layers"),
        ("vanishing-gradients", *_NO_LEARNING),
    ),
    Illness(
        "vanishing-gradients", "the first layers get a far smaller gradient than the last",
        ("nn.ReLU() or nn.Tanh() in place of nn.Sigmoid()",
         "weight=nn.HeNormal() for ReLU, nn.GlorotUniform() for tanh",
         "fewer layers, or layers that add to their input: x + layer(x)"),
        _NO_LEARNING,
    ),
    Illness(
        "small-updates", "a step changes weights by far less than the usual 0.1 to 1 %",
        ("a rate a hundred times as large, or train.find_rate(trainer, X, y)",
         "optim.Adam(1e-3), whose steps do not depend on the size of the gradient"),
        ("stalled",),
    ),
    Illness(
        "diverged", "numbers have run away to infinity or to what is no number",
        ("a rate ten times as small, or train.find_rate(trainer, X, y)", "clip_norm=1.0 in the optimizer",
         "scale features and targets to about -1 to 1"),
    ),
    Illness(
        "constant-output", "the network gives every row the same answer",
        ("look at what is named above: this is what it leads to", "another seed, a smaller rate"),
    ),
    Illness(
        "stalled", "after training, the loss is that of the best constant answer",
        ("train.find_rate(trainer, X, y), more epochs", "more units or another layer, if the problem bends more"),
    ),
    Illness(
        "overfitting", "held-out rows are predicted far worse than the rows learned from",
        ("patience=5 with validation=(X, y) in fit: the best weights are put back",
         "weight_decay=1e-4 in the optimizer, nn.Dropout(0.2), fewer units", "more rows"),
    ),
)  # fmt: skip

ILLNESSES: dict[str, Illness] = {illness.code: illness for illness in _ALL}
"""Every illness by its code, in the order in which they are named: causes first."""
