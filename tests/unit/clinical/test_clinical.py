from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_path = Path(__file__).resolve().parents[2] / "support" / "statistics_reference.py"
_spec = importlib.util.spec_from_file_location("statistics_reference", _path)
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)


def _cases():
    for topic, (_, requirement) in reference.CLINICAL.items():
        for case in reference.load(topic):
            yield pytest.param(topic, case, id=f"{topic}-{case['id']}", marks=pytest.mark.verifies(requirement))


@pytest.mark.parametrize(("topic", "case"), list(_cases()))
def test_a_reference_case_is_met_within_its_tolerance(topic, case):
    rows = reference.rows(topic, case)
    assert rows
    assert [row for row in rows if not (row[1] == row[2] or abs(row[1] - row[2]) <= case["tol"])] == []


@pytest.mark.verifies("SRS-CLIN-001")
def test_every_vector_file_is_recomputed():
    topics = {path.stem for path in reference.VECTORS.glob("*.json")}
    assert topics == set(reference.CLINICAL) | set(reference.ANNOTATION)


@pytest.mark.verifies("SRS-CLIN-001")
def test_the_committed_vectors_are_those_of_the_shared_reference(shared_reference):
    changed = [
        path.name
        for path in reference.VECTORS.glob("*.json")
        if path.read_bytes() != (shared_reference / "statistics" / path.name).read_bytes()
    ]
    assert changed == []
