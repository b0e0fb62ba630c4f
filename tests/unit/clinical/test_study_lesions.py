from __future__ import annotations

import numpy as np
import pytest

from lungai_core.clinical.froc import froc_curve
from lungai_core.clinical.study import read_study_csv
from lungai_core.clinical.study_lesions import match_reader_marks, paired_sizes, read_lesions_csv
from lungai_core.errors import StudyFileError

READS = "reader,modality,case,patient,truth,score,size_mm\n"
MARKS = "reader,modality,case,x_mm,y_mm,z_mm,score\n"
NODULES = "case,x_mm,y_mm,z_mm,diameter_mm\n"


def _written(folder, *, marks, nodules=NODULES + "c1,0,0,0,8\n"):
    (folder / "marks.csv").write_text(marks)
    (folder / "nodules.csv").write_text(nodules)
    return read_lesions_csv(folder / "marks.csv", nodules=folder / "nodules.csv")


@pytest.fixture
def table(tmp_path):
    rows = [
        f"r{reader},{modality},c{case},p{case},{case},0.5,{size}\n"
        for modality, size in (("a", 9), ("b", 8))
        for reader in (1, 2)
        for case in (0, 1)
    ]
    (tmp_path / "reads.csv").write_text(READS + "".join(rows))
    return read_study_csv(tmp_path / "reads.csv")


@pytest.mark.verifies("SRS-CLIN-006", "SRS-CLIN-023")
def test_each_reader_can_find_each_nodule_once(tmp_path, table):
    lesions = _written(tmp_path, marks=MARKS + "r1,a,c1,1,0,0,0.9\nr2,a,c0,0,0,0,0.4\nr1,b,c1,50,0,0,0.7\n")
    data = match_reader_marks(lesions, table=table, modality="a")
    assert (data.n_scans, data.hit_scores.size, data.false_scores.size) == (4, 2, 1)
    assert froc_curve(data).sensitivity[-1] == 0.5
    assert froc_curve(match_reader_marks(lesions, table=table, modality="b")).sensitivity[-1] == 0


@pytest.mark.verifies("SRS-CLIN-023")
@pytest.mark.parametrize(
    ("marks", "nodules"),
    [("r3,a,c1,0,0,0,1\n", "c1,0,0,0,8\n"), ("r1,a,c1,0,0,0,1\n", "c9,0,0,0,8\n")],
    ids=["mark of an unknown reader", "nodule of an unknown case"],
)
def test_marks_and_nodules_outside_the_study_are_refused(tmp_path, table, marks, nodules):
    lesions = _written(tmp_path, marks=MARKS + marks, nodules=NODULES + nodules)
    with pytest.raises(StudyFileError, match="not of the study's reads"):
        match_reader_marks(lesions, table=table, modality="a")


@pytest.mark.verifies("SRS-CLIN-023")
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("reader,case\n", "Columns are missing"),
        (MARKS + "r,a,c,0,0,0,1\nr,a,c,0,0,0\n", "Line 3 is incomplete"),
        (MARKS + "r,a,,0,0,0,1\n", "Line 2 is incomplete"),
        (MARKS + "r,a,c,0,far,0,1\n", "Line 2 is incomplete, or has a text"),
    ],
)
def test_a_mark_that_cannot_be_used_is_refused_with_its_line(tmp_path, text, what):
    with pytest.raises(StudyFileError, match=what):
        _written(tmp_path, marks=text)


@pytest.mark.verifies("SRS-CLIN-023")
def test_an_absent_file_of_marks_is_refused(tmp_path):
    with pytest.raises(StudyFileError, match="FileNotFoundError"):
        read_lesions_csv(tmp_path / "none.csv", nodules=tmp_path / "none.csv")


@pytest.mark.verifies("SRS-CLIN-014")
def test_sizes_are_paired_by_case_as_means_of_the_readers_who_measured_both(made, tmp_path, table):
    first, second = paired_sizes(table, modalities=("a", "b"))
    np.testing.assert_array_equal((first, second), ((9, 9), (8, 8)))
    plain = read_study_csv(made.write_reads(tmp_path / "plain.csv", cases=4, readers=2))
    assert paired_sizes(plain, modalities=("aided", "unaided"))[0].size == 0
