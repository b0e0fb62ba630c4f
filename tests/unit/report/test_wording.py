from __future__ import annotations

import re

import pytest

from lungai_core.domain.case_report import CaseStatus, ComputeMode, NoduleWarning, ReviewReason
from lungai_core.report.wording import COMPUTE_MODES, PHRASES, REVIEW_REASONS, STATUSES, WARNINGS, Phrase, same, say

TABLES = (STATUSES, COMPUTE_MODES, WARNINGS, REVIEW_REASONS, PHRASES)


@pytest.mark.verifies("SRS-REPORT-004")
def test_every_value_that_a_report_can_hold_has_its_words_in_both_languages():
    assert set(STATUSES) == set(CaseStatus)
    assert set(COMPUTE_MODES) == set(ComputeMode)
    assert set(WARNINGS) == set(NoduleWarning)
    assert set(REVIEW_REASONS) == set(ReviewReason)
    for phrase in (phrase for table in TABLES for phrase in table.values()):
        assert phrase.en
        assert re.search(r"[一-鿿–]", phrase.zh)
        assert re.search(r"[一-鿿]", phrase.en) is None


@pytest.mark.verifies("SRS-REPORT-004", "RC-REPORT-003")
def test_words_are_escaped():
    assert say(Phrase("a < b", "甲 & 乙")) == '<span lang="en">a &lt; b</span><span lang="zh">甲 &amp; 乙</span>'
    assert say(same("1 < 2")) == "1 &lt; 2"
