from __future__ import annotations

import krippendorff as oracle
import numpy as np
import pytest

from lungai_core.clinical.agreement import ratings
from lungai_core.clinical.krippendorff import Metric, krippendorff_alpha, krippendorff_alpha_interval
from lungai_core.errors import NotEstimableError

TOPICS = ("krippendorff_alpha",)


@pytest.mark.verifies("SRS-CLIN-010")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.fixture
def table():
    generator = np.random.default_rng(2)
    truth = generator.integers(1, 6, size=60)
    values = np.clip(truth[:, None] + generator.integers(-1, 2, size=(60, 5)), 1, 5).astype(float)
    values[generator.random(values.shape) < 0.1] = np.nan
    return values


@pytest.mark.verifies("SRS-CLIN-010")
@pytest.mark.parametrize(("metric", "level"), [(metric, metric.value) for metric in Metric])
def test_alpha_agrees_with_another_implementation(table, metric, level):
    expected = oracle.alpha(reliability_data=table.T, level_of_measurement=level)
    assert krippendorff_alpha(ratings(table), metric=metric) == pytest.approx(expected, abs=1e-12)


@pytest.mark.verifies("SRS-CLIN-010")
@pytest.mark.parametrize("metric", list(Metric))
def test_the_bootstrap_interval_holds_the_estimate_and_repeats(table, metric):
    data = ratings(table)
    first, again = (krippendorff_alpha_interval(data, metric=metric, seed=9, replicates=200) for _ in range(2))
    assert first == again
    assert first.lower < first.estimate < first.upper


@pytest.mark.verifies("SRS-CLIN-010")
def test_alpha_of_equal_ratings_does_not_exist():
    with pytest.raises(NotEstimableError, match="without variation"):
        krippendorff_alpha(ratings([[1, 1], [1, 1]]), metric=Metric.NOMINAL)
