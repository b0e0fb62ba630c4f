from __future__ import annotations

import json

import pytest

from lungai_core.domain.candidate import Candidate, read_candidates, require_inside
from lungai_core.domain.geometry import Geometry
from lungai_core.errors import CandidateFileError, CandidateOutsideVolumeError

GEOMETRY = Geometry(shape_zyx=(10, 10, 10), spacing_zyx_mm=(1.0, 1.0, 1.0), origin_lps_mm=(0.0, 0.0, 0.0))
GOOD = {"candidate_id": "n1", "center_lps_mm": [1.0, 2.0, 3.0]}


def _write(folder, content):
    path = folder / "candidates.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.verifies("SRS-DOM-003")
def test_a_good_file_gives_its_candidates(tmp_path):
    read = read_candidates(_write(tmp_path, {"schema_version": "lungai-candidates/1", "candidates": [GOOD]}))
    assert read.candidates == (Candidate(candidate_id="n1", center_lps_mm=(1.0, 2.0, 3.0)),)
    assert read.series_instance_uid is None


@pytest.mark.verifies("SRS-DOM-003", "SRS-DOM-004")
@pytest.mark.parametrize(
    "content",
    [
        "not json",
        {"candidates": [{**GOOD, "center_lps_mm": [1.0, 2.0]}]},
        {"candidates": [{**GOOD, "confidence": 1.0}]},
        {"candidates": [{**GOOD, "candidate_id": "../n1"}]},
        '{"candidates": [{"candidate_id": "n1", "center_lps_mm": [NaN, 0, 0]}]}',
        {"schema_version": "lungai-candidates/2", "candidates": []},
        {"candidates": [GOOD, GOOD]},
    ],
)
def test_a_file_that_is_not_of_the_schema_is_refused_with_its_path(tmp_path, content):
    path = _write(tmp_path, content)
    with pytest.raises(CandidateFileError) as refusal:
        read_candidates(path)
    assert str(path) in str(refusal.value)


@pytest.mark.verifies("SRS-DOM-003")
def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(CandidateFileError, match="No such file"):
        read_candidates(tmp_path / "candidates.json")


@pytest.mark.verifies("SRS-DOM-003", "RC-DOM-001")
def test_a_candidate_outside_the_volume_is_refused_by_its_identifier():
    inside = Candidate(candidate_id="in", center_lps_mm=(9.4, 0.0, 0.0))
    outside = Candidate(candidate_id="out", center_lps_mm=(9.6, 0.0, 0.0))
    require_inside(inside, GEOMETRY)
    with pytest.raises(CandidateOutsideVolumeError, match="candidate out"):
        require_inside(outside, GEOMETRY)
