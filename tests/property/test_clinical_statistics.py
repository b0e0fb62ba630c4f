from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungai_core.clinical.agreement import ratings
from lungai_core.clinical.krippendorff import Metric, krippendorff_alpha
from lungai_core.clinical.mrmc import ReaderStudy, obuchowski_rockette
from lungai_core.clinical.mrmc_covariance import auc_delong
from lungai_core.clinical.paired import (
    McNemarMethod,
    PairedTable,
    mcnemar_test,
    paired_interval,
    paired_non_inferiority_test,
)
from lungai_core.clinical.proportions import Count, ProportionMethod, proportion_interval
from lungai_core.clinical.roc import obuchowski_auc_variance, roc_data

SOME = settings(max_examples=40, deadline=None)
COUNT = st.integers(0, 60)
TABLE = st.builds(PairedTable, both=COUNT, only_first=COUNT, only_second=COUNT, neither=COUNT).filter(
    lambda table: table.only_first + table.only_second > 0
)


@st.composite
def _scored(draw):
    n = draw(st.integers(6, 40))
    scores = draw(st.lists(st.integers(-20, 20), min_size=n, max_size=n))
    truth = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    truth[:4] = [True, True, False, False]
    return np.array(scores, dtype=float), np.array(truth)


@pytest.mark.verifies("SRS-CLIN-001")
@SOME
@given(st.integers(1, 200), st.data(), st.sampled_from(list(ProportionMethod)))
def test_the_interval_of_the_complement_is_the_mirrored_interval(n, data, method):
    x = data.draw(st.integers(0, n))
    one = proportion_interval(Count(successes=x, n=n), method=method)
    other = proportion_interval(Count(successes=n - x, n=n), method=method)
    assert one.lower == pytest.approx(1 - other.upper, abs=1e-8)
    assert one.lower <= one.estimate + 1e-12
    assert one.estimate <= one.upper + 1e-12


@pytest.mark.verifies("SRS-CLIN-003")
@SOME
@given(TABLE)
def test_the_tango_interval_inverts_its_test(table):
    interval = paired_interval(table)
    if interval.lower > -0.999:
        assert paired_non_inferiority_test(table, margin=-interval.lower).p_value == pytest.approx(0.025, abs=1e-4)


@pytest.mark.verifies("SRS-CLIN-003")
@SOME
@given(TABLE)
def test_the_mid_p_value_is_never_above_the_exact_one(table):
    exact = mcnemar_test(table, method=McNemarMethod.EXACT).p_value
    assert mcnemar_test(table).p_value <= exact + 1e-12


@pytest.mark.verifies("SRS-CLIN-005")
@SOME
@given(_scored())
def test_the_auc_does_not_change_under_a_monotone_map(sample):
    scores, truth = sample
    plain, mapped = roc_data(scores, truth=truth), roc_data(np.exp(scores / 10) * 3 - 1, truth=truth)
    assert mapped.auc == plain.auc
    assert mapped.variance == pytest.approx(plain.variance, abs=1e-15)
    assert roc_data(-scores, truth=truth).auc == pytest.approx(1 - plain.auc)


@pytest.mark.verifies("SRS-CLIN-004")
@SOME
@given(_scored())
def test_single_lesions_make_the_clustered_auc_that_of_delong(sample):
    scores, truth = sample
    patients = [str(number) for number in range(truth.size)]
    area, variance = obuchowski_auc_variance(scores, truth=truth, patient_ids=patients)
    data = roc_data(scores, truth=truth)
    assert (area, variance) == (data.auc, pytest.approx(data.variance, abs=1e-14))


@pytest.mark.verifies("SRS-CLIN-010")
@SOME
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=40))
def test_alpha_of_two_readers_is_scotts_pi_with_its_small_sample_term(pairs):
    values = np.array(pairs)
    if np.unique(values).size < 2:
        return
    shares = np.bincount(values.ravel()) / values.size
    expected = np.sum(shares**2)
    pi = (np.mean(values[:, 0] == values[:, 1]) - expected) / (1 - expected)
    n = values.size
    assert krippendorff_alpha(ratings(values), metric=Metric.NOMINAL) == pytest.approx(1 - (1 - pi) * (n - 1) / n)


@pytest.mark.verifies("SRS-CLIN-007")
@SOME
@given(st.integers(0, 10_000))
def test_the_order_of_cases_does_not_change_a_reader_study(seed):
    generator = np.random.default_rng(seed)
    truth = np.r_[np.ones(8, dtype=bool), np.zeros(9, dtype=bool)]
    scores = generator.normal(size=(2, 3, 17)) + truth
    order = generator.permutation(17)

    def analyse(where):
        study = ReaderStudy(
            scores=scores[:, :, where], truth=truth[where], modalities=("a", "b"), readers=("1", "2", "3")
        )
        return obuchowski_rockette(auc_delong(study)).test.p_value

    assert analyse(order) == pytest.approx(analyse(np.arange(17)), rel=1e-9)
