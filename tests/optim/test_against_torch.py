"""The same numbers as PyTorch's optimisers, clipping and layers, where it is installed."""

import numpy as np
import pytest

from glassgrad import nn, optim

torch = pytest.importorskip("torch")

PAIRS = {
    "sgd": (optim.SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": (optim.SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "nesterov": (
        optim.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    ),
    "sgd default": (optim.SGD(), torch.optim.SGD),
    "adagrad": (optim.AdaGrad(), torch.optim.Adagrad),
    "rmsprop": (optim.RMSProp(), torch.optim.RMSprop),
    "rmsprop momentum": (
        optim.RMSProp(0.02, alpha=0.9, momentum=0.5),
        lambda p: torch.optim.RMSprop(p, lr=0.02, alpha=0.9, momentum=0.5),
    ),
    "adam": (optim.Adam(), torch.optim.Adam),
    "adam decay": (optim.Adam(0.1, weight_decay=0.3), lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.3)),
    "adamw": (optim.AdamW(), torch.optim.AdamW),
    "clipped": (optim.SGD(0.1, clip_norm=0.5), lambda p: torch.optim.SGD(p, lr=0.1)),
    "clipped by value": (optim.SGD(0.1, clip_value=0.2), lambda p: torch.optim.SGD(p, lr=0.1)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_same_steps(name):
    ours, theirs = PAIRS[name]
    rng = np.random.default_rng(3)
    params = [rng.normal(size=(4, 3)), rng.normal(size=3)]
    mirrors = [torch.nn.Parameter(torch.tensor(p)) for p in params]
    optimizer = theirs(mirrors)
    states = [ours.init(p) for p in params]
    for step in range(20):
        gradients = [rng.normal(size=p.shape) for p in params]
        for mirror, g in zip(mirrors, gradients, strict=True):
            mirror.grad = torch.tensor(g)
        if ours.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(mirrors, ours.clip_norm)
        if ours.clip_value is not None:
            torch.nn.utils.clip_grad_value_(mirrors, ours.clip_value)
        optimizer.step()
        params, states = ours.apply(["W", "b"], params, gradients, states, step)
    for p, mirror in zip(params, mirrors, strict=True):
        np.testing.assert_allclose(p, mirror.detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (nn.ReLU(), torch.nn.ReLU()),
        (nn.LeakyReLU(), torch.nn.LeakyReLU()),
        (nn.PReLU(dtype=np.float64), torch.nn.PReLU(dtype=torch.float64)),
        (nn.RandomizedReLU(), torch.nn.RReLU().eval()),
        (nn.ELU(), torch.nn.ELU()),
        (nn.Sigmoid(), torch.nn.Sigmoid()),
        (nn.Softplus(), torch.nn.Softplus(threshold=1000)),
        (nn.HardTanh(), torch.nn.Hardtanh()),
        (nn.Softmax(), torch.nn.Softmax(-1)),
    ],
    ids=repr,
)
def test_same_units(ours, theirs):
    z = np.random.default_rng(0).normal(size=(5, 4)) * 3
    value = ours(z)
    np.testing.assert_allclose(getattr(value, "value", value), theirs(torch.tensor(z)).detach().numpy(), rtol=1e-12)
