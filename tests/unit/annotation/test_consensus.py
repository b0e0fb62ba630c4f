from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from lungai_core.annotation.consensus import TieRule, intersection, majority, staple, union
from lungai_core.errors import ConsensusError

TOPICS = ("consensus",)


@pytest.mark.verifies("SRS-ANNO-006")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.fixture
def four():
    generator = np.random.default_rng(6)
    truth = np.zeros((8, 8, 8), dtype=bool)
    truth[2:6, 2:6, 2:6] = True
    return [truth ^ (generator.random(truth.shape) < 0.08) for _ in range(4)]


@pytest.mark.verifies("SRS-ANNO-006")
def test_staple_agrees_with_simpleitk(four):
    ours = staple(four)
    images = [SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in four]
    their = SimpleITK.STAPLEImageFilter()
    their.SetForegroundValue(1)
    their.SetMaximumIterations(10_000)
    probability = SimpleITK.GetArrayFromImage(their.Execute(images))
    assert ours.sensitivity == pytest.approx(their.GetSensitivity(), abs=1e-5)
    assert ours.specificity == pytest.approx(their.GetSpecificity(), abs=1e-5)
    assert np.abs(probability - ours.probability).max() < 1e-4


@pytest.mark.verifies("SRS-ANNO-006")
def test_a_tie_of_four_readers_follows_the_rule_of_the_plan(four):
    tied = sum(mask.astype(int) for mask in four) == 2
    assert tied.any()
    inside, outside = majority(four, ties=TieRule.INSIDE), majority(four, ties=TieRule.OUTSIDE)
    assert (inside & ~outside == tied).all()
    with pytest.raises(ConsensusError, match="exactly half of 4 readers"):
        majority(four, ties=TieRule.REFUSE)


@pytest.mark.verifies("SRS-ANNO-006")
def test_the_majority_lies_between_intersection_and_union(four):
    joined = majority(four, ties=TieRule.INSIDE)
    assert not (intersection(four) & ~joined).any()
    assert not (joined & ~union(four)).any()


@pytest.mark.verifies("SRS-ANNO-006")
def test_masks_that_cannot_be_joined_are_refused():
    with pytest.raises(ConsensusError, match="no mask"):
        union([])
    with pytest.raises(ConsensusError, match="one grid"):
        union([np.zeros((2, 2, 2), dtype=bool), np.zeros((2, 2, 3), dtype=bool)])
    with pytest.raises(ConsensusError, match="no prior"):
        staple([np.zeros((2, 2, 2), dtype=bool)])


@pytest.mark.verifies("SRS-ANNO-006")
def test_few_iterations_stop_early(four):
    assert staple(four, max_iterations=2).iterations == 2
    assert staple(four, prior=0.2).prior == 0.2
