from __future__ import annotations

import numpy as np
import pytest

from lungai_core.clinical.mrmc import Generalisation, dbm, obuchowski_rockette, reader_study
from lungai_core.clinical.mrmc_covariance import auc_delong, auc_jackknife, auc_left_out, from_jackknife
from lungai_core.errors import NotEstimableError, StudyDataError

TOPICS = ("mrmc_or",)


@pytest.mark.verifies("SRS-CLIN-007")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.fixture
def study(reference):
    return reference.mrmc_study()


@pytest.mark.verifies("SRS-CLIN-007")
def test_dbm_equals_obuchowski_rockette_with_jackknife_covariances(study):
    figures, left_out = auc_left_out(study)
    anova, model = dbm(figures, left_out, modalities=study.modalities), obuchowski_rockette(auc_jackknife(study))
    assert anova.test.statistic == pytest.approx(model.test.statistic, rel=1e-9)
    assert anova.test.df2 == pytest.approx(model.test.df2, rel=1e-9)
    assert anova.standard_error == pytest.approx(model.standard_error, rel=1e-9)


@pytest.mark.verifies("SRS-CLIN-007")
def test_fixed_readers_and_fixed_cases_answer_other_questions(study):
    estimates = auc_delong(study)
    p_values = {kind: obuchowski_rockette(estimates, generalisation=kind).test for kind in Generalisation}
    assert p_values[Generalisation.CASES].df2 is None
    assert p_values[Generalisation.READERS].df2 == 4
    assert len({test.p_value for test in p_values.values()}) == 3
    intervals = obuchowski_rockette(estimates, generalisation=Generalisation.CASES).figures
    assert all(interval.lower < interval.estimate < interval.upper for interval in intervals)


@pytest.mark.verifies("SRS-CLIN-007")
def test_the_order_of_reads_does_not_matter(reference, study):
    rows = reference.load("mrmc_or")[2]["inputs"]["rows"]
    order = np.random.default_rng(1).permutation(len(rows["rating"]))
    shuffled = {key: np.asarray(column)[order] for key, column in rows.items()}
    again = reader_study(
        shuffled["rating"],
        readers=shuffled["reader"],
        modalities=shuffled["treatment"],
        cases=shuffled["case"],
        truth=shuffled["truth"],
    )
    assert (again.scores == study.scores).all()


@pytest.mark.verifies("SRS-CLIN-007")
def test_three_modalities_have_a_test_and_no_single_difference(study):
    scores = np.concatenate((study.scores, study.scores[:1] + np.arange(study.truth.size) % 7))
    three = type(study)(scores=scores, truth=study.truth, modalities=("a", "b", "c"), readers=study.readers)
    result = obuchowski_rockette(auc_delong(three))
    assert result.difference is None
    assert result.test.df1 == 2


def _read(**changes):
    columns = {"readers": [1, 1], "modalities": [1, 1], "cases": [1, 2], "truth": [0, 1], **changes}
    return reader_study(columns.pop("scores", [1.0, 2.0]), **columns)


@pytest.mark.verifies("SRS-CLIN-007")
@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"cases": [1, 1]}, "twice"),
        ({"cases": [1]}, "different lengths"),
        ({"cases": [1, 1], "modalities": [1, 2]}, "two different truths"),
    ],
)
def test_reads_that_contradict_each_other_are_refused(changes, what):
    with pytest.raises(StudyDataError, match=what):
        _read(**changes)


@pytest.mark.verifies("SRS-CLIN-007")
def test_one_modality_and_one_reader_cannot_be_compared():
    figures = np.full((1, 2), 0.8)
    with pytest.raises(NotEstimableError, match="two modalities"):
        obuchowski_rockette(from_jackknife(figures, np.tile(figures, (4, 1, 1)), modalities=("a",)))
    figures = np.full((2, 1), 0.8)
    with pytest.raises(NotEstimableError, match="readers in general"):
        obuchowski_rockette(from_jackknife(figures, np.tile(figures, (4, 1, 1)), modalities=("a", "b")))


@pytest.mark.verifies("SRS-CLIN-007")
def test_readers_who_agree_exactly_leave_no_error_term():
    figures = np.full((2, 3), 0.8)
    with pytest.raises(NotEstimableError, match="agree exactly"):
        obuchowski_rockette(from_jackknife(figures, np.tile(figures, (4, 1, 1)), modalities=("a", "b")))
