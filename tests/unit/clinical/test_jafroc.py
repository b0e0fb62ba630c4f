from __future__ import annotations

import numpy as np
import pytest

from lungai_core.clinical.jafroc import FreeResponse, FreeResponseMerit, free_response_jackknife, free_response_merit
from lungai_core.errors import NotEstimableError, StudyDataError


def _study(reference):
    return reference.free_response(reference.load("froc")[1]["inputs"])


@pytest.mark.verifies("SRS-CLIN-006")
@pytest.mark.parametrize("merit", list(FreeResponseMerit))
def test_leaving_a_case_out_is_computing_without_it(reference, merit):
    study = _study(reference)
    left = free_response_jackknife(study, merit=merit)
    for case in (0, 20, 33):
        keep = np.arange(study.n_false.shape[2]) != case
        smaller = FreeResponse(
            highest_false=study.highest_false[:, :, keep],
            n_false=study.n_false[:, :, keep],
            lesion_ratings=study.lesion_ratings[:, :, keep],
        )
        assert left[case] == pytest.approx(free_response_merit(smaller, merit=merit))


@pytest.mark.verifies("SRS-CLIN-006")
def test_marks_of_different_shapes_are_refused():
    with pytest.raises(StudyDataError, match="different shapes"):
        FreeResponse(
            highest_false=np.zeros((1, 1, 2)),
            n_false=np.zeros((1, 1, 3), dtype=int),
            lesion_ratings=np.zeros((1, 1, 2, 1)),
        )


@pytest.mark.verifies("SRS-CLIN-006")
def test_a_figure_needs_both_kinds_of_cases():
    study = FreeResponse(
        highest_false=np.zeros((1, 1, 2)), n_false=np.zeros((1, 1, 2), dtype=int), lesion_ratings=np.ones((1, 1, 2, 1))
    )
    with pytest.raises(NotEstimableError, match="2 diseased of 2"):
        free_response_merit(study, merit=FreeResponseMerit.WAFROC)
