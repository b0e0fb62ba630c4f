from __future__ import annotations

import numpy as np
import pytest

from lungai_core.clinical.partial_auc import RocSide, partial_auc, partial_auc_interval
from lungai_core.clinical.roc import roc_data
from lungai_core.errors import InvalidArgumentError

TOPICS = ("partial_auc",)


@pytest.mark.verifies("SRS-CLIN-005")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.fixture
def data():
    generator = np.random.default_rng(8)
    truth = np.r_[np.ones(50), np.zeros(50)]
    return roc_data(truth + generator.normal(size=100), truth=truth)


@pytest.mark.verifies("SRS-CLIN-005")
@pytest.mark.parametrize("side", list(RocSide))
def test_the_whole_of_the_curve_is_the_auc(data, side):
    assert partial_auc(data, side=side, at_least=0.0).area == pytest.approx(data.auc)


@pytest.mark.verifies("SRS-CLIN-005")
@pytest.mark.parametrize("bound", [-0.1, 1.0])
def test_a_bound_that_is_no_rate_is_refused(data, bound):
    with pytest.raises(InvalidArgumentError, match="LAI-USE-001"):
        partial_auc(data, at_least=bound)


@pytest.mark.verifies("SRS-CLIN-005")
def test_the_bootstrap_interval_holds_the_estimate_and_repeats(data):
    first = partial_auc_interval(data, at_least=0.8, seed=1, replicates=100)
    again = partial_auc_interval(data, at_least=0.8, seed=1, replicates=100)
    assert first == again
    assert first.lower < first.estimate < first.upper
