"""A small seeded network, and a patch with a bright ball."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lungai_core.model.net import build_net
from lungai_core.model.spec import named_spec


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    # Two torch threads on a busy machine wait for each other twenty times longer than they compute.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def net():
    built = build_net(named_spec("tiny"), seed=3).eval()
    with torch.no_grad():
        # Heads start near zero; a head with weights gives maps with something in them.
        built.malignancy.weight.normal_(generator=torch.Generator().manual_seed(0))
    return built


@pytest.fixture(scope="session")
def patch():
    axis = np.arange(64) - 31.5
    ball = np.sqrt(axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None] ** 2) < 9
    noise = np.random.default_rng(1).normal(0.1, 0.03, ball.shape)
    return torch.from_numpy(np.clip(np.where(ball, 0.75, noise), 0, 1).astype(np.float32)[None, None])
