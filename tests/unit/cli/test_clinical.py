from __future__ import annotations

import csv
import json

import pytest

from lungai_core.cli.app import main
from lungai_core.clinical.pccp import read_change_csv
from lungai_core.clinical.plan import write_plan
from support import reader_study


@pytest.fixture(scope="module")
def made():
    return reader_study


CLAIM = ["clinical", "check-claim", "92.4", "84.7", "7.7", "4.2", "11.3"]


@pytest.mark.verifies("SRS-CLIN-024", "SRS-CLIN-009")
def test_a_claim_that_cannot_be_is_a_finding(capsys):
    assert main([*CLAIM, "--n", "1100"]) == 1
    assert "They cannot come from n = 1100." in capsys.readouterr().out
    assert main([*CLAIM, "--n", "609", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["searched_up_to"] == 812


@pytest.mark.verifies("SRS-CLIN-024", "SRS-CLIN-008", "RC-CLIN-005")
def test_a_sample_size_lists_what_is_missing_or_prints_its_table(capsys, tmp_path):
    path = tmp_path / "question.json"
    question = {"design": "paired-superiority", "test": 0.9, "control": 0.85}
    path.write_text(json.dumps(question))
    assert main(["clinical", "sample-size", str(path)]) == 2
    assert "prevalence, dropout, unit, discordant" in capsys.readouterr().err
    path.write_text(json.dumps({**question, "discordant": 0.17, "prevalence": 0.5, "dropout": 0.0, "unit": "patient"}))
    assert main(["clinical", "sample-size", str(path)]) == 0
    assert "532 with the condition, 1064 to enrol" in capsys.readouterr().out
    assert main(["clinical", "sample-size", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_to_enrol"] == 1064
    path.write_text("[]")
    assert main(["clinical", "sample-size", str(path)]) == 3


@pytest.mark.verifies("SRS-CLIN-024", "SRS-CLIN-008", "RC-CLIN-005")
def test_a_reader_study_is_sized_from_the_command_line(capsys, tmp_path):
    path = tmp_path / "question.json"
    question = {"design": "multi-reader-power", "difference": 0.04, "pilot_cases": 114, "cases": 300}
    path.write_text(json.dumps(question))
    assert main(["clinical", "sample-size", str(path)]) == 2
    assert "readers, components" in capsys.readouterr().err
    names = ("reader", "treatment_reader", "error", "cov1", "cov2", "cov3")
    values = (0.0015, 0.0002, 0.0008, 0.00035, 0.00034, 0.00024)
    path.write_text(json.dumps({**question, "readers": 5, "components": dict(zip(names, values, strict=True))}))
    assert main(["clinical", "sample-size", str(path)]) == 0
    assert "5 readers, 300 cases, power 0." in (out := capsys.readouterr().out)
    assert "  readers = 6: 300 cases, power 0." in out
    assert main(["clinical", "sample-size", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sensitivity"]


@pytest.mark.verifies("SRS-CLIN-024", "SRS-CLIN-017")
def test_a_plan_is_locked_and_a_study_reported(made, capsys, tmp_path):
    plan, locked, out = tmp_path / "plan.json", tmp_path / "locked.json", tmp_path / "report"
    write_plan(made.plan(), plan)
    reads = made.write_reads(tmp_path / "reads.csv")
    assert main(["clinical", "report", str(reads), "--plan", str(plan), "--out", str(out)]) == 2
    assert "LAI-CLIN-005" in capsys.readouterr().err
    assert main(["clinical", "lock-plan", str(plan), "--by", "A. Statistician", "--out", str(locked)]) == 0
    assert main(["clinical", "report", str(reads), "--plan", str(locked), "--out", str(out)]) == 0
    assert (out / "report.docx").is_file()
    assert "superior" in capsys.readouterr().out
    marks, nodules = made.write_lesions(tmp_path)
    again = ["clinical", "report", str(reads), "--plan", str(locked), "--out", str(tmp_path / "with-marks")]
    assert main([*again, "--marks", str(marks)]) == 2
    assert main([*again, "--marks", str(marks), "--nodules", str(nodules)]) == 0
    assert (tmp_path / "with-marks" / "froc.svg").is_file()


@pytest.mark.verifies("SRS-CLIN-024", "SRS-CLIN-019", "RC-CLIN-004")
def test_a_change_is_decided_by_signed_criteria(capsys, tmp_path):
    scores, key = tmp_path / "scores.csv", tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    with scores.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("case", "truth", "old_score", "new_score", "group"))
        for number in range(200):
            value = 0.9 if number % 2 else 0.1
            table.writerow((number, number % 2, value, value, "all"))
    criteria = {
        "criteria_id": "c1",
        "description": "same data, new weights",
        "threshold": 0.5,
        "confidence": 0.95,
        "test_set_sha256": read_change_csv(scores).sha256,
        "test_set_uses": 1,
        "criteria": [{"criterion_id": "sens", "kind": "%s", "limit": 0.05}],
    }
    kind = "lower limit of new minus released sensitivity, above minus the limit"
    criteria["criteria"][0]["kind"] = kind
    source, signed = tmp_path / "criteria.json", tmp_path / "signed.json"
    source.write_text(json.dumps(criteria))
    sign = ["clinical", "pccp-sign", str(source), "--key-file", str(key), "--key-id", "qa", "--out", str(signed)]
    assert main(sign) == 0
    check = ["clinical", "pccp-check", str(scores), "--criteria", str(signed), "--key-file", str(key), "--earlier-uses"]
    assert main([*check, "0"]) == 0
    assert "accepted" in capsys.readouterr().out
    assert main([*check, "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True
    assert main([*check, "1"]) == 3
    assert "LAI-CLIN-007" in capsys.readouterr().err
    key.unlink()
    assert main([*check, "0"]) == 3
    assert main(sign) == 3


@pytest.mark.verifies("SRS-CLIN-024", "SRS-CLIN-006", "SRS-ANNO-003")
def test_a_detector_is_scored_by_the_rules_of_luna16(shared_data, capsys):
    folder = shared_data / "luna16"
    arguments = ["clinical", "froc", str(folder / "dpn26bs32_subset.csv"), "--seed", "1"]
    arguments += ["--nodules", str(folder / "annotations_subset.csv"), "--scans", str(folder / "seriesuids_subset.csv")]
    arguments += ["--excluded", str(folder / "annotations_excluded_subset.csv")]
    assert main(arguments) == 0
    assert "CPM 0.887987 (95% CI" in capsys.readouterr().out
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cpm"]["cpm"] == pytest.approx(0.887987, abs=1e-6)
