from __future__ import annotations

import numpy as np
import pytest

from lungai_core.clinical.clustered import (
    ClusteredMcNemarMethod,
    ClusteredMethod,
    cluster_bootstrap,
    clustered_mcnemar,
    lesion_difference,
    lesion_proportion,
)
from lungai_core.clinical.proportions import Count, proportion_interval
from lungai_core.errors import NotEstimableError, PatientIdsMissingError, StudyDataError

TOPICS = ("clustered_proportion", "clustered_paired")


@pytest.mark.verifies("SRS-CLIN-004")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-CLIN-004", "RC-CLIN-001")
@pytest.mark.parametrize(
    "statistic",
    [
        lambda: lesion_proportion([1, 0, 1], patient_ids=None),
        lambda: lesion_difference([1, 0, 1], [0, 0, 1], patient_ids=None),
        lambda: clustered_mcnemar([1, 0, 1], [0, 0, 1], patient_ids=None),
    ],
)
def test_a_lesion_level_statistic_without_patients_is_refused(statistic):
    with pytest.raises(PatientIdsMissingError, match=r"LAI-CLIN-002.*(.|\n)*patient_ids"):
        statistic()


@pytest.mark.verifies("SRS-CLIN-004")
def test_a_missing_patient_is_refused():
    with pytest.raises(StudyDataError, match="3 lesions have 2"):
        lesion_proportion([1, 0, 1], patient_ids=["a", "b"])


@pytest.mark.verifies("SRS-CLIN-004")
@pytest.mark.parametrize("statistic", [lesion_proportion, lambda x, **k: lesion_difference(x, x, **k)])
def test_one_patient_has_no_variance_between_patients(statistic):
    with pytest.raises(NotEstimableError, match="between patients"):
        statistic([1, 0], patient_ids=["a", "a"])


@pytest.mark.verifies("SRS-CLIN-004")
def test_lesions_that_are_all_found_keep_an_honest_lower_limit():
    result = lesion_proportion([1] * 20, patient_ids=[str(number // 4) for number in range(20)])
    assert result.interval.upper == 1
    assert result.interval.lower == pytest.approx(proportion_interval(Count(successes=5, n=5)).lower, abs=1e-9)
    assert result.design_effect == 1


@pytest.mark.verifies("SRS-CLIN-004")
@pytest.mark.parametrize("method", list(ClusteredMethod))
def test_alike_lesions_of_a_patient_widen_the_interval(method):
    values = [1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    alike = lesion_proportion(values, patient_ids=[str(number // 3) for number in range(12)], method=method)
    single = lesion_proportion(values, patient_ids=[str(number) for number in range(12)], method=method)
    assert alike.interval.upper - alike.interval.lower > single.interval.upper - single.interval.lower
    assert single.icc == 0


@pytest.mark.verifies("SRS-CLIN-004")
def test_the_clustered_difference_is_that_of_pairs_where_each_patient_has_one_lesion():
    first, second = [1] * 30 + [0] * 20, [1] * 20 + [0] * 20 + [1] * 10
    interval = lesion_difference(first, second, patient_ids=[str(number) for number in range(50)])
    assert interval.estimate == pytest.approx(0)
    assert interval.upper == pytest.approx(-interval.lower)


@pytest.mark.verifies("SRS-CLIN-004")
@pytest.mark.parametrize("method", list(ClusteredMcNemarMethod))
def test_equal_decisions_do_not_differ(method):
    test = clustered_mcnemar([1, 0, 1, 1], [1, 0, 1, 1], patient_ids=["a", "a", "b", "c"], method=method)
    assert (test.statistic, test.p_value) == (0, 1)


@pytest.mark.verifies("SRS-CLIN-004")
def test_the_bootstrap_repeats_with_its_seed():
    first, again = (cluster_bootstrap(7, replicates=5, seed=3) for _ in range(2))
    assert (first == again).all()
    assert (first.sum(axis=1) == 7).all()


@pytest.mark.verifies("SRS-CLIN-004", "RC-CLIN-001")
def test_the_clustered_interval_covers_where_the_naive_one_does_not():
    generator = np.random.default_rng(20261)
    covered = {"clustered": 0, "naive": 0}
    runs, truth = 400, 0.8
    for _ in range(runs):
        sizes = generator.integers(1, 7, size=150)
        rates = generator.beta(truth * 1.5, (1 - truth) * 1.5, size=150)
        patients = np.repeat(np.arange(150), sizes)
        hits = generator.random(patients.size) < rates[patients]
        interval = lesion_proportion(hits, patient_ids=[str(patient) for patient in patients]).interval
        naive = proportion_interval(Count(successes=int(hits.sum()), n=hits.size))
        # The estimand is the mean over lesions; sizes do not depend on rates here, so it is 0.8.
        covered["clustered"] += interval.lower <= truth <= interval.upper
        covered["naive"] += naive.lower <= truth <= naive.upper
    assert 0.92 <= covered["clustered"] / runs <= 0.975
    assert covered["naive"] / runs < 0.9
