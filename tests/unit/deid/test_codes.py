from __future__ import annotations

import pytest

from lungai_core.deid.codes import is_published_code, is_published_meaning


@pytest.mark.verifies("SRS-DEID-013")
@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("DCM", "113100"),
        ("SCT", "39607008"),
        ("SRT", "T-28000"),
        ("UCUM", "mm"),
        ("UCUM", "[hnsf'U]"),
        ("LN", "18748-4"),
    ],
)
def test_a_published_code_is_known(scheme, value):
    assert is_published_code(scheme, value)


@pytest.mark.verifies("SRS-DEID-013", "RC-DEID-001")
@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("SCT", "39607009"),
        ("SCT", "ZHANGSAN"),
        ("DCM", "4711"),
        ("99LOCAL", "113100"),
        ("UCUM", "{zhangsan}"),
        ("", "1"),
    ],
)
def test_an_identifier_in_the_place_of_a_code_is_not(scheme, value):
    assert not is_published_code(scheme, value)


@pytest.mark.verifies("SRS-DEID-013")
def test_a_meaning_is_known_as_a_whole_only():
    assert is_published_meaning("basic application Confidentiality Profile")
    assert not is_published_meaning("Basic Application Confidentiality Profile Zhang San")
