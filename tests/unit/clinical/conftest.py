from __future__ import annotations

import pytest

from support import reader_study
from support.reference_cases import misses, pytest_generate_tests, reference

__all__ = ["misses", "pytest_generate_tests", "reference"]


@pytest.fixture(scope="session")
def made():
    return reader_study
