from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lungai_core.explain.saliency import signed_evidence
from lungai_core.explain.sanity import mass_inside, randomisation_cascade, rank_correlation


@pytest.mark.verifies("SRS-EXPL-002", "RC-EXPL-001")
def test_the_map_is_lost_with_the_weights_and_the_steps_repeat(net, patch):
    before = signed_evidence(net, patch)
    steps = randomisation_cascade(net, patch, seed=5)
    assert steps[0].part == "malignancy"
    assert steps[-1].part == "trunk.conv0"
    # This network is itself untrained, and every map prefers the centre: only the sign tells one from another. It is
    # lost, so over several draws the correlations cancel.
    last = [randomisation_cascade(net, patch, seed=seed)[-1].rank_correlation for seed in range(5, 9)]
    assert min(last) < 0 < max(last)
    assert abs(np.mean(last)) < 0.5
    assert len({step.rank_correlation for step in steps}) > 3
    assert randomisation_cascade(net, patch, seed=5) == steps
    assert randomisation_cascade(net, patch, seed=6) != steps
    assert np.array_equal(signed_evidence(net, patch), before)


@pytest.mark.verifies("SRS-EXPL-002")
def test_the_rank_correlation_is_spearmans_with_ties():
    random = np.random.default_rng(0)
    first = random.integers(0, 6, (4, 5, 6)).astype(np.float32)
    second = (first + random.integers(0, 4, first.shape)).astype(np.float32)
    expected = stats.spearmanr(first.reshape(-1), second.reshape(-1)).statistic
    assert rank_correlation(first, second) == pytest.approx(expected, abs=1e-12)
    assert rank_correlation(first, first) == pytest.approx(1.0)
    assert rank_correlation(first, np.zeros_like(first)) == 0.0


@pytest.mark.verifies("SRS-EXPL-002")
def test_the_share_inside_a_mask_counts_parts_of_voxels():
    saliency = np.zeros((2, 2, 2), np.float32)
    saliency[0, 0, 0], saliency[1, 1, 1] = 3.0, 1.0
    mask = np.zeros((8, 8, 8), np.bool_)
    mask[:4, :4, :2] = True
    assert mass_inside(saliency, mask) == pytest.approx(0.375)
    assert mass_inside(np.zeros((2, 2, 2), np.float32), mask) == 0.0
