import json

import pytest

from lungai_core.cli.app import main
from lungai_core.trace import validate_tool, validation_json, validation_markdown
from lungai_core.trace import validation as validation_module
from lungai_core.trace import views as trace_views
from lungai_core.trace.seeded_defects import text_defects


@pytest.fixture(scope="module")
def validation():
    return validate_tool(version="0", day="2026-11-22")


@pytest.mark.verifies("SRS-TRACE-014")
def test_every_seeded_defect_is_found_and_nothing_else_is_reported(validation):
    assert len(validation.defects) >= 100
    assert [defect.name for defect in validation.missed] == []
    assert validation.false_alarms == ()
    assert len({defect.name for defect in validation.defects}) == len(validation.defects)


@pytest.mark.verifies("SRS-TRACE-014")
def test_the_record_names_the_tool_the_machine_and_each_defect(validation):
    text = validation_markdown(validation)
    assert f"Seeded defects found: {len(validation.defects)} of {len(validation.defects)}" in text
    assert text.count("| yes |") == len(validation.defects)
    assert "Validated by, date, signature: TO BE COMPLETED BY MANUFACTURER" in text
    content = json.loads(validation_json(validation))
    assert content["passed"] is True
    assert len(content["environment"]["sha256"]) == 64


@pytest.mark.verifies("SRS-TRACE-014")
def test_a_blind_tracer_fails_its_validation(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(trace_views, "check_lock", lambda *_: ())
    monkeypatch.setattr(
        validation_module, "text_defects", lambda files: (each for each in text_defects(files) if "UN-001" in each.name)
    )
    monkeypatch.setattr(validation_module, "run_defects", lambda: ())
    assert main(["trace", "validate-tool", "--out", str(tmp_path), "--day", "2026-11-22"]) == 1
    out = capsys.readouterr().out
    assert "MISSED the text of UN-001 changed after its review: its links" in out
    assert "| NO |" in (tmp_path / "tool_validation.md").read_text(encoding="utf-8")
