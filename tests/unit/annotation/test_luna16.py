from __future__ import annotations

import pytest

from lungai_core.annotation.luna16 import read_luna_marks, read_luna_nodules
from lungai_core.errors import AnnotationTableError


@pytest.mark.verifies("SRS-ANNO-003")
def test_the_tables_of_luna16_are_read_whole(shared_data):
    nodules = read_luna_nodules(shared_data / "luna16" / "annotations.csv")
    assert len(nodules) == 1186
    assert nodules[0].center_lps_mm == (-128.6994211, -175.3192718, -298.3875064)
    excluded = read_luna_nodules(shared_data / "luna16" / "annotations_excluded_subset.csv")
    assert any(nodule.diameter_mm is None for nodule in excluded)
    marks = read_luna_marks(shared_data / "luna16" / "dpn26bs32_subset.csv")
    assert all(0 <= mark.probability <= 1 for mark in marks)


@pytest.mark.verifies("SRS-ANNO-003")
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("seriesuid,coordX,coordY,coordZ\n", "diameter_mm"),
        ("seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2,1,2,x,3\n", "Line 2 holds a value that is no number"),
        ("seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2,1,2,3\n", "Line 2 lacks a number"),
        ("seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2,1,2,inf,3\n", "Line 2 lacks a number"),
        ("", "Columns are missing"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_line(tmp_path, text, what):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(AnnotationTableError, match=what):
        read_luna_nodules(path)


@pytest.mark.verifies("SRS-ANNO-003")
def test_an_absent_table_is_refused(tmp_path):
    with pytest.raises(AnnotationTableError, match="FileNotFoundError"):
        read_luna_marks(tmp_path / "none.csv")
