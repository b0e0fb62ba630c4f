from __future__ import annotations

import pytest

from lungai_core.clinical.subgroups import heterogeneity_test, subgroup_proportions
from lungai_core.errors import NotEstimableError


def _rows(first, second):
    hits = [1] * first + [0] * (20 - first) + [1] * second + [0] * (20 - second) + [1]
    patients = [str(number) for number in range(41)]
    return subgroup_proportions(hits, patient_ids=patients, groups=["A"] * 20 + ["B"] * 20 + ["C"], variable="scanner")


@pytest.mark.verifies("SRS-CLIN-020")
def test_every_subgroup_keeps_its_line():
    rows = _rows(15, 15)
    assert [(row.level, row.n_units, row.n_patients) for row in rows] == [("A", 20, 20), ("B", 20, 20), ("C", 1, 1)]
    assert rows[2].interval is None
    assert rows[2].note == "one patient: no interval"


@pytest.mark.verifies("SRS-CLIN-020")
def test_subgroups_that_differ_are_told_from_those_that_do_not():
    assert heterogeneity_test(_rows(15, 15)).p_value == pytest.approx(1)
    assert heterogeneity_test(_rows(19, 5)).p_value < 0.001


@pytest.mark.verifies("SRS-CLIN-020")
def test_one_subgroup_cannot_be_compared():
    with pytest.raises(NotEstimableError, match="1 subgroups"):
        heterogeneity_test(_rows(15, 15)[:1])
