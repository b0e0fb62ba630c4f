from __future__ import annotations

import numpy as np
import pytest

from lungai_core.clinical.mrmc_ustat import ustat_auc, ustat_difference
from lungai_core.errors import NotEstimableError

TOPICS = ("mrmc_ustat",)


@pytest.mark.verifies("SRS-CLIN-007")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.fixture
def study(reference):
    return reference.mrmc_study()


@pytest.mark.verifies("SRS-CLIN-007")
def test_missing_reads_change_the_result_and_do_not_stop_it(study):
    scores = study.scores.copy()
    scores[:, 0, ::5] = np.nan
    split = type(study)(scores=scores, truth=study.truth, modalities=study.modalities, readers=study.readers)
    whole, partial = ustat_difference(study), ustat_difference(split)
    assert partial.variance > 0
    assert partial.first.auc != whole.first.auc


@pytest.mark.verifies("SRS-CLIN-007")
def test_a_modality_without_reads_of_both_classes_has_no_auc(study):
    scores = study.scores.copy()
    scores[0][:, study.truth] = np.nan
    broken = type(study)(scores=scores, truth=study.truth, modalities=study.modalities, readers=study.readers)
    with pytest.raises(NotEstimableError, match="both classes"):
        ustat_auc(broken, modality=0)


@pytest.mark.verifies("SRS-CLIN-007")
def test_equal_modalities_have_no_variance_and_so_no_test(study):
    same = type(study)(
        scores=np.stack((study.scores[0],) * 2), truth=study.truth, modalities=("a", "b"), readers=study.readers
    )
    result = ustat_difference(same)
    assert result.variance == pytest.approx(0, abs=1e-15)
    assert result.first.auc == result.second.auc


@pytest.mark.verifies("SRS-CLIN-007")
def test_an_unbiased_variance_below_zero_is_shown_and_not_tested(study):
    generator = np.random.default_rng(3)
    truth = np.r_[np.ones(4, dtype=bool), np.zeros(4, dtype=bool)]
    found = None
    for _ in range(200):
        noise = type(study)(
            scores=generator.normal(size=(2, 2, 8)), truth=truth, modalities=("a", "b"), readers=("1", "2")
        )
        result = ustat_auc(noise, modality=0)
        if result.variance < 0:
            found = result
            break
    assert found is not None
    assert (found.df, found.bdg, found.test_normal) == (None, None, None)
    assert found.variance_biased >= found.variance
