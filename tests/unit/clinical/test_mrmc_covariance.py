from __future__ import annotations

import numpy as np
import pytest

from lungai_core.clinical.mrmc import obuchowski_rockette
from lungai_core.clinical.mrmc_covariance import auc_bootstrap, auc_delong, auc_left_out, sensitivity_jackknife
from lungai_core.clinical.roc import roc_data
from lungai_core.errors import NotEstimableError, StudyDataError


@pytest.fixture
def study(reference):
    return reference.mrmc_study()


@pytest.mark.verifies("SRS-CLIN-007")
def test_the_bootstrap_is_near_delong_and_repeats_with_its_seed(study):
    first, again = (auc_bootstrap(study, seed=2, replicates=500) for _ in range(2))
    assert (first.covariance == again.covariance).all()
    close = obuchowski_rockette(first).components.error
    assert close == pytest.approx(obuchowski_rockette(auc_delong(study)).components.error, rel=0.1)


@pytest.mark.verifies("SRS-CLIN-007")
def test_leaving_a_case_out_is_computing_without_it(study):
    _, left = auc_left_out(study)
    for case in (0, study.truth.size - 1):
        keep = np.arange(study.truth.size) != case
        expected = roc_data(study.scores[0, 0, keep], truth=study.truth[keep]).auc
        assert left[case, 0, 0] == pytest.approx(expected)


@pytest.mark.verifies("SRS-CLIN-007")
def test_missing_reads_are_refused(study):
    scores = study.scores.copy()
    scores[0, 0, 0] = np.nan
    broken = type(study)(scores=scores, truth=study.truth, modalities=study.modalities, readers=study.readers)
    with pytest.raises(StudyDataError, match="1 reads are missing"):
        auc_delong(broken)


@pytest.mark.verifies("SRS-CLIN-007")
def test_a_jackknife_needs_two_cases_of_each_class(study):
    keep = np.r_[np.flatnonzero(study.truth)[:1], np.flatnonzero(~study.truth)]
    small = type(study)(
        scores=study.scores[:, :, keep], truth=study.truth[keep], modalities=study.modalities, readers=study.readers
    )
    with pytest.raises(NotEstimableError, match="two cases"):
        auc_left_out(small)
    with pytest.raises(NotEstimableError, match="two diseased"):
        sensitivity_jackknife(small, threshold=50)
