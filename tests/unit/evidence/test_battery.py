from __future__ import annotations

import json

import pytest

from lungai_core.evidence._mutations import INPUT_MUTATIONS, SET_MUTATIONS
from lungai_core.evidence.battery import battery_json, run_battery


@pytest.mark.verifies("SRS-EVID-029", "RC-EVID-001", "RC-EVID-002", "RC-EVID-004")
def test_every_change_is_named_and_an_unchanged_rebuild_raises_no_alarm():
    report = run_battery()
    assert [result.name for result in report.results if not result.detected] == []
    assert report.false_alarms == ()
    assert len(report.results) == len(INPUT_MUTATIONS) + len(SET_MUTATIONS) >= 25
    content = json.loads(battery_json(report, time="2026-11-22T20:00:00+00:00"))
    assert content["detected"] == content["mutations"]
    assert all(each["named"] for each in content["results"])
    assert len({result.name for result in report.results}) == len(report.results)
