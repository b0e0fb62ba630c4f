from __future__ import annotations

import pytest

from lungai_core.clinical.icc import IccForm, intraclass_correlation
from lungai_core.errors import NotEstimableError, StudyDataError

TOPICS = ("icc",)


@pytest.mark.verifies("SRS-CLIN-010")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-CLIN-010")
def test_a_gap_in_the_table_is_refused():
    with pytest.raises(StudyDataError, match="complete table"):
        intraclass_correlation([[1.0, 2.0], [3.0, None]], form=IccForm.ICC1)


@pytest.mark.verifies("SRS-CLIN-010")
def test_readers_who_never_differ_have_no_error_term():
    with pytest.raises(NotEstimableError, match="agree exactly"):
        intraclass_correlation([[1, 1], [2, 2]], form=IccForm.ICC1)
    with pytest.raises(NotEstimableError, match="by constants"):
        intraclass_correlation([[1, 2], [2, 3]], form=IccForm.ICC2)
