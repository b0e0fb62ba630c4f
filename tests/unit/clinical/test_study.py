from __future__ import annotations

import pytest

from lungai_core.clinical.study import as_reader_study, read_study_csv
from lungai_core.errors import StudyFileError

HEAD = "reader,modality,case,patient,truth,score\n"


@pytest.mark.verifies("SRS-CLIN-023")
def test_a_study_has_its_reads_groups_and_the_order_of_the_plan(made, tmp_path):
    table = read_study_csv(made.write_reads(tmp_path / "reads.csv", cases=6, readers=2))
    assert table.scores.size == 24
    assert set(table.groups) == {"scanner"}
    study = as_reader_study(table, modalities=("unaided", "aided"))
    assert study.modalities == ("unaided", "aided")
    swapped = as_reader_study(table, modalities=("aided", "unaided"))
    assert (study.scores[0] == swapped.scores[1]).all()


@pytest.mark.verifies("SRS-CLIN-023")
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("reader,modality\n", "case, patient, score, truth"),
        (HEAD, "no read"),
        (HEAD + "r,a,c,p,1,0.5\nr,a,c,p,1\n", "Line 3 is incomplete"),
        (HEAD + "r,a,c,,1,0.5\n", "Line 2 is incomplete"),
        (HEAD + "r,a,c,p,1,0.5,more\n", "Line 2 is incomplete"),
        (HEAD + "r,a,c,p,1,high\n", "Line 2 has a score that is no number"),
        (HEAD + "r,a,c,p,2,0.5\n", "Line 2 has a truth"),
        (HEAD + "r,a,c,p,1,nan\n", "Line 2 has a truth"),
        (HEAD.replace("\n", ",size_mm\n") + "r,a,c,p,1,1,\nr,a,c,p,1,1,large\n", "Line 3 has a size that is no number"),
        (HEAD.replace("\n", ",size_mm\n") + "r,a,c,p,1,1,-2\n", "Line 2 has a size that is not above 0"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_its_line(tmp_path, text, what):
    path = tmp_path / "reads.csv"
    path.write_text(text)
    with pytest.raises(StudyFileError, match=what):
        read_study_csv(path)


@pytest.mark.verifies("SRS-CLIN-023")
def test_an_absent_file_or_modality_is_refused(made, tmp_path):
    with pytest.raises(StudyFileError, match="FileNotFoundError"):
        read_study_csv(tmp_path / "none.csv")
    table = read_study_csv(made.write_reads(tmp_path / "reads.csv", cases=4, readers=2))
    with pytest.raises(StudyFileError, match="does not occur"):
        as_reader_study(table, modalities=("aided", "machine"))
