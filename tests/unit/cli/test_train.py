from __future__ import annotations

import json
import sys

import pytest

from lungai_core.cli.app import main
from lungai_core.errors import ExitCode

PLAN = """
name = "cli"
seed = 1
network = "tiny"
[data]
nodules = "{nodules}"
patch_size = 32
limit_per_fold = 4
[optimizer]
epochs = 1
batch_size = 4
"""


@pytest.fixture
def plan_file(shared_data, tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN.format(nodules=shared_data / "lidc_nodules"))
    return path


@pytest.mark.verifies("SRS-TRAIN-014")
def test_real_nodules_are_trained_on_from_a_plan(plan_file, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["train", "--plan", str(plan_file), "--out", str(out), "--fold", "1"]) == ExitCode.OK
    record = json.loads((out / "record.json").read_text())
    assert record["plan"]["data"]["limit_per_fold"] == 4
    assert f"weights SHA-256 {record['weights_sha256']}" in capsys.readouterr().out


@pytest.mark.verifies("SRS-TRAIN-014", "SRS-TRAIN-013")
def test_a_cross_validation_prints_its_table(plan_file, tmp_path, capsys):
    arguments = ["train", "--plan", str(plan_file), "--out", str(tmp_path / "cv"), "--cross-validate"]
    assert main(arguments) == ExitCode.OK
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "cv" / "evaluation.md").read_text()
    assert "| lidc_nodules | diameter alone | AUC | diagnosis |" in printed


@pytest.mark.verifies("SRS-TRAIN-014")
def test_an_absent_plan_is_a_usage_error(tmp_path, capsys):
    arguments = ["train", "--plan", str(tmp_path / "absent.toml"), "--out", str(tmp_path / "run")]
    assert main(arguments) == ExitCode.USAGE
    assert "LAI-TRAIN-002" in capsys.readouterr().err


@pytest.mark.verifies("SRS-TRAIN-014", "SRS-CLI-001")
def test_an_installation_without_the_extra_is_told_of_the_one_extra_that_it_needs(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["train", "--plan", str(tmp_path / "plan.toml"), "--out", str(tmp_path / "out")]) == 6
    assert "lungai-core[train]" in capsys.readouterr().err
