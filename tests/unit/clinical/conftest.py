"""Give tests the cases of the reference topics that their module names in ``TOPICS``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_path = Path(__file__).resolve().parents[2] / "support" / "statistics_reference.py"
_spec = importlib.util.spec_from_file_location("statistics_reference", _path)
_reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_reference)


def pytest_generate_tests(metafunc):
    if "reference_case" in metafunc.fixturenames:
        cases = [(topic, case) for topic in metafunc.module.TOPICS for case in _reference.load(topic)]
        metafunc.parametrize("reference_case", cases, ids=[f"{topic}-{case['id']}" for topic, case in cases])


@pytest.fixture
def misses(reference_case):
    """Rows of a reference case whose difference is above the tolerance of the case."""
    topic, case = reference_case
    rows = _reference.rows(topic, case)
    assert rows
    return [row for row in rows if not (row[1] == row[2] or abs(row[1] - row[2]) <= case["tol"])]


@pytest.fixture(scope="session")
def reference():
    return _reference


@pytest.fixture(scope="session")
def made():
    """Give the module that makes a reader study; folders of tests are not importable by name."""
    path = Path(__file__).resolve().parents[2] / "support" / "reader_study.py"
    spec = importlib.util.spec_from_file_location("reader_study", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
