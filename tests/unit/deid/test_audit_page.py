from __future__ import annotations

import re
from collections import Counter

import pytest
from pydantic import ValidationError

from lungai_core.deid import BASIC
from lungai_core.deid.audit import AuditedSeries, RefusedFile, audit_json, build_audit
from lungai_core.deid.audit_page import audit_html
from lungai_core.deid.context import Tally

REFUSED = RefusedFile(number=2, code="LAI-DEID-001", reason="broken <b>", where="byte 3")
SERIES = AuditedSeries(patient="P-X", study_instance_uid="2.25.1", series_instance_uid="2.25.2", modality="CT", files=3)


def _audit(**changes):
    parts = {
        "tallies": Counter({Tally(0x00100010, "Z", "pseudonym"): 3, Tally(0x00091001, "X", "remove"): 2}),
        "refused": [REFUSED],
        "series": [SERIES],
        "files_in": 4,
        "files_showing_a_head": 0,
    }
    return build_audit(BASIC, **(parts | changes))


@pytest.mark.verifies("SRS-DEID-010", "RC-DEID-004")
def test_files_in_are_files_written_plus_files_refused():
    assert _audit().files_written == 3
    with pytest.raises(ValidationError, match="files in must be"):
        _audit(files_in=5)


@pytest.mark.verifies("SRS-DEID-010")
def test_private_tags_are_counted_without_their_numbers():
    counts = {(one.tag, one.keyword): one.count for one in _audit().actions}
    assert counts == {("(0010,0010)", "PatientName"): 3, ("(gggg,eeee)", "private"): 2}


@pytest.mark.verifies("SRS-DEID-010")
def test_the_page_is_whole_bilingual_and_the_same_each_time():
    page = audit_html(_audit())
    for tag in ("table", "tr", "td", "h2", "div", "body", "style"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>") > 0
    assert "broken &lt;b&gt;" in page
    assert "去标识化审计" in page
    assert "http" not in page
    assert page == audit_html(_audit())
    assert audit_json(_audit()) == audit_json(_audit())


@pytest.mark.verifies("SRS-DEID-010")
def test_an_empty_run_has_a_page_too():
    assert "None. 无。" in audit_html(_audit(refused=[], series=[], files_in=0, tallies=Counter()))
