from __future__ import annotations

import pytest

from lungai_core.model.net import build_net
from lungai_core.model.spec import DENSENET121, SMALL, TINY
from lungai_core.model.summary import summarize


@pytest.mark.verifies("SRS-MODEL-008")
def test_the_summary_counts_the_parameters_of_the_network_that_is_built():
    net = build_net(TINY, seed=0)
    summary = summarize(TINY, size_zyx=(32, 32, 32))
    assert summary.parameters == sum(p.numel() for p in net.parameters())
    assert summary.weight_bytes == 4 * summary.parameters
    assert summary.trunk_parameters + summary.attention_parameters < summary.parameters
    assert 0 < summary.largest_map_bytes < summary.activation_bytes


@pytest.mark.verifies("SRS-MODEL-008")
def test_the_first_convolution_alone_is_counted_right():
    # 7 x 7 x 7 taps, 1 channel in, C out, stride 2, two operations a tap; the rest of the network adds to it.
    first = 2 * 7**3 * TINY.trunk.init_features * 16**3
    whole = summarize(TINY, size_zyx=(32, 32, 32)).flops
    eight_times = summarize(TINY, size_zyx=(64, 64, 64)).flops
    assert first < whole
    assert 7.5 < eight_times / whole < 8.01


@pytest.mark.verifies("SRS-MODEL-008")
def test_the_small_network_on_its_patch_needs_a_fiftieth_of_the_full_ones_arithmetic():
    small, full = (summarize(spec, size_zyx=(edge,) * 3) for spec, edge in ((SMALL, 32), (DENSENET121, 96)))
    assert 7e8 < small.flops < 9e8
    assert 40e9 < full.flops < 45e9
