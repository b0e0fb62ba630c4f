from __future__ import annotations

import pytest

from lungai_core.cli.ct_manual import render_ct_manual
from lungai_core.dicom.rules import SERIES_RULES


@pytest.mark.verifies("SRS-DICOM-008")
def test_the_manual_page_is_what_the_rules_print(repository):
    page = repository / "docs" / "how_to" / "ct_input.md"
    assert page.read_text(encoding="utf-8") == render_ct_manual(), (
        "run: python -m lungai_core.cli.ct_manual docs/how_to/ct_input.md"
    )


@pytest.mark.verifies("SRS-DICOM-008")
def test_the_manual_page_names_the_code_of_each_rule():
    page = render_ct_manual()
    assert [rule.error.code for rule in SERIES_RULES if rule.error.code not in page] == []
