"""Networks, built only from gates: layers, hidden units, initialisers. float32 unless told otherwise."""

from glassgrad.nn.activations import (
    ELU,
    AbsoluteValue,
    HardTanh,
    Identity,
    LeakyReLU,
    Maxout,
    PReLU,
    RandomizedReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from glassgrad.nn.dropout import Dropout
from glassgrad.nn.initialisers import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initialiser,
    LeCunNormal,
    LeCunUniform,
    Normal,
    Uniform,
    Zeros,
)
from glassgrad.nn.layer import Layer, weight
from glassgrad.nn.linear import Linear
from glassgrad.nn.radial import RadialBasis
from glassgrad.nn.randomness import next_key, training
from glassgrad.nn.sequential import Sequential

__all__ = [
    "ELU", "AbsoluteValue", "Constant", "Dropout", "GlorotNormal", "GlorotUniform", "HardTanh", "HeNormal",
    "HeUniform", "Identity", "Initialiser", "Layer", "LeCunNormal", "LeCunUniform", "LeakyReLU", "Linear", "Maxout",
    "Normal", "PReLU", "RadialBasis", "RandomizedReLU", "ReLU", "Sequential", "Sigmoid", "Softmax", "Softplus",
    "Tanh", "Uniform", "Zeros", "next_key", "training", "weight",
]  # fmt: skip
