from __future__ import annotations

import pytest

from lungai_core.report.language import ReportLanguage


@pytest.mark.verifies("SRS-REPORT-007")
def test_a_report_is_printed_in_english_or_in_chinese():
    assert [language.value for language in ReportLanguage] == ["en", "zh"]
