from __future__ import annotations

import pytest
import torch

from lungai_core.model.attention import PositionChannelAttention
from lungai_core.model.spec import Attention


def block(kind, *, channels=8):
    with torch.random.fork_rng():
        torch.default_generator.manual_seed(0)
        made = PositionChannelAttention(channels, channel_reduction=16, position_reduction=8, dilation=1, kind=kind)
    return made.eval()


@pytest.mark.verifies("SRS-MODEL-002")
@pytest.mark.parametrize("kind", [Attention.CHANNEL, Attention.POSITION_CHANNEL])
def test_the_shape_stays_and_each_value_grows_by_a_factor_between_one_and_two(kind):
    features = torch.rand(2, 8, 3, 4, 5) + 0.1
    with torch.no_grad():
        factor = block(kind)(features) / features
    assert factor.shape == features.shape
    assert bool(((factor > 1) & (factor < 2)).all())


@pytest.mark.verifies("SRS-MODEL-002")
def test_without_a_position_branch_the_factor_is_one_number_a_channel_and_with_it_it_is_not():
    features = torch.rand(1, 8, 4, 4, 4) + 0.1
    with torch.no_grad():
        flat = (block(Attention.CHANNEL)(features) / features).flatten(2)
        varied = (block(Attention.POSITION_CHANNEL)(features) / features).flatten(2)
    assert float((flat.amax(2) - flat.amin(2)).max()) < 1e-5
    assert float((varied.amax(2) - varied.amin(2)).max()) > 1e-4
