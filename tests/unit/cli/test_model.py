from __future__ import annotations

import json
from pathlib import Path

import pytest

from lungai_core.cli.app import main
from lungai_core.errors import ExitCode
from lungai_core.training.lidc import load_lidc_nodules


@pytest.mark.verifies("SRS-PACK-008")
def test_the_bundled_model_verifies_and_its_card_is_printed(capsys):
    assert main(["model", "verify"]) == ExitCode.OK
    assert "verified: every file is what the manifest says" in capsys.readouterr().out
    assert main(["model", "verify", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["trained"] is True
    assert main(["model", "card"]) == ExitCode.OK
    card = capsys.readouterr().out
    assert "Not for clinical use" in card
    assert "lidc_context, out of fold, RESEARCH" in card


@pytest.mark.verifies("SRS-PACK-008", "SRS-TRAIN-004")
def test_an_exported_pack_verifies_and_a_damaged_one_has_exit_code_four(tmp_path, capsys):
    target = tmp_path / "tiny"
    assert main(["model", "export", str(target), "--spec", "tiny", "--parity", "0"]) == ExitCode.OK
    assert main(["model", "verify", str(target)]) == ExitCode.OK
    (target / "model.onnx").write_bytes(b"")
    assert main(["model", "verify", str(target)]) == ExitCode.MODEL_INTEGRITY
    assert "LAI-PACK-003" in capsys.readouterr().err


@pytest.mark.verifies("SRS-MODEL-008")
def test_the_summary_of_the_full_network_states_its_parameters(capsys):
    assert main(["model", "summary", "densenet121"]) == ExitCode.OK
    summary = json.loads(capsys.readouterr().out)
    assert (summary["trunk_parameters"], summary["attention_parameters"]) == (11_242_624, 523_435)


@pytest.mark.verifies("SRS-TRAIN-018")
def test_two_plans_are_compared_by_their_predictions(tmp_path, capsys):
    """The released network against itself: every difference is 0, on each nodule of the cross-validation."""
    table = str(Path(__file__).parents[3] / "verification/model/lungai-small/predictions.csv")
    assert main(["model", "compare", table, table]) == ExitCode.OK
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert {(row[1], float(row[4])) for row in rows} == {("second minus first", 0.0)}
    assert {row[2] for row in rows} == {"AUC difference", "Dice difference", "diameter MAE difference, mm"}
    (tmp_path / "short.csv").write_text("".join(Path(table).read_text().splitlines(keepends=True)[:9]))
    assert main(["model", "compare", table, str(tmp_path / "short.csv")]) == ExitCode.INPUT_REJECTED
    assert "LAI-TRAIN-003" in capsys.readouterr().err


@pytest.mark.verifies("SRS-TRAIN-020")
def test_reader_and_network_stand_beside_each_other(repository, shared_data, tmp_path, capsys):
    plan = str(repository / "design/training/trial.toml")
    table = (repository / "verification/model/lungai-small/predictions.csv").read_text(encoding="utf-8")
    known = [f",{s.sample_id}," for s in load_lidc_nodules(shared_data / "lidc_nodules", limit_per_fold=6)]
    head, *rows = table.splitlines(keepends=True)
    (tmp_path / "own.csv").write_text(head + "".join(row for row in rows if any(name in row for name in known)))
    assert main(["model", "readers", plan, str(tmp_path / "own.csv")]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "| lidc_nodules | one reader | AUC | mean of the other readings, " in shown
    assert "another annotation" not in shown
    (tmp_path / "all.csv").write_text(table)
    assert main(["model", "readers", plan, str(tmp_path / "all.csv")]) == ExitCode.INPUT_REJECTED
    assert "LAI-TRAIN-003" in capsys.readouterr().err
