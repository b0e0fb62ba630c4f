"""Gives tests the cases of the reference topics that their module names in ``TOPICS``; a conftest imports the names."""

from __future__ import annotations

import pytest

from support import statistics_reference

__all__ = ["misses", "pytest_generate_tests", "reference"]


def pytest_generate_tests(metafunc):
    if "reference_case" in metafunc.fixturenames:
        cases = [(topic, case) for topic in metafunc.module.TOPICS for case in statistics_reference.load(topic)]
        metafunc.parametrize("reference_case", cases, ids=[f"{topic}-{case['id']}" for topic, case in cases])


@pytest.fixture
def misses(reference_case):
    """Rows of a reference case whose difference is above the tolerance of the case."""
    topic, case = reference_case
    rows = statistics_reference.rows(topic, case)
    assert rows
    return [row for row in rows if not (row[1] == row[2] or abs(row[1] - row[2]) <= case["tol"])]


@pytest.fixture(scope="session")
def reference():
    return statistics_reference
