from __future__ import annotations

import pytest

from lungai_core.deid import BASIC, NAMED_PROFILES, Option, Profile, describe
from lungai_core.deid.conformance import conformance_statement


@pytest.mark.verifies("SRS-DEID-010")
@pytest.mark.parametrize("profile", NAMED_PROFILES.values(), ids=lambda profile: profile.name)
def test_the_statement_has_every_row_with_its_actions(profile):
    text = conformance_statement(describe(profile))
    rows = [line for line in text.splitlines() if line.startswith("| (")]
    assert len(rows) == 657
    assert all(line.count("|") == 8 and "||" not in line.replace(" ", "") for line in rows)
    assert profile.digest() in text
    assert "2026d" in text


@pytest.mark.verifies("SRS-DEID-010", "SRS-DEID-003")
def test_what_two_options_disagree_on_is_named():
    both = Profile(name="both", options=frozenset({Option.RETAIN_DEVICE_IDENTITY, Option.RETAIN_MODIFIED_DATES}))
    description = describe(both)
    assert len(description.disagreeing) == 11
    assert {row.effective_code for row in description.rows if f"{row.tag} {row.name}" in description.disagreeing} == {
        "C"
    }
    assert describe(BASIC).disagreeing == ()
    assert "C is done" in conformance_statement(description)


@pytest.mark.verifies("SRS-DEID-004")
def test_the_described_actions_follow_the_type():
    by_tag = {row.tag: row for row in describe(BASIC).rows}
    station = by_tag["(0008,1010)"]
    assert (station.if_required, station.if_may_be_empty, station.otherwise) == ("dummy", "empty", "remove")
    assert by_tag["(0020,000D)"].otherwise == "map_uid"
