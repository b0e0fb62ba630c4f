from __future__ import annotations

import json

import pytest

from lungai_core.cli.app import main
from lungai_core.errors import ExitCode
from lungai_core.modelpack.pack import bundled_pack


@pytest.mark.verifies("SRS-DICOM-008")
def test_check_prints_every_rule_and_accepts_a_correct_series(tmp_path, ct_series, capsys):
    ct_series.write(ct_series.series_datasets(), tmp_path)
    assert main(["check", str(tmp_path)]) == ExitCode.OK
    printed = capsys.readouterr().out
    assert "passed      LAI-DICOM-021  No slice missing" in printed
    assert printed.endswith("accepted\n")


@pytest.mark.verifies("SRS-DICOM-008")
def test_check_returns_three_and_names_the_gap_of_a_refused_series(tmp_path, ct_series, capsys):
    datasets = ct_series.series_datasets()
    del datasets[3]
    ct_series.write(datasets, tmp_path)
    assert main(["check", str(tmp_path), "--json"]) == ExitCode.INPUT_REJECTED
    record = json.loads(capsys.readouterr().out)
    assert record["verdict"] == "refused"
    refused = [rule for rule in record["rules"] if rule["verdict"] == "refused"]
    assert [rule["code"] for rule in refused] == ["LAI-DICOM-021"]
    assert refused[0]["where"].startswith("1 between slices 3 and 4")
    assert main(["check", str(tmp_path)]) == ExitCode.INPUT_REJECTED
    assert "1 slice(s) missing" in capsys.readouterr().out


@pytest.mark.verifies("SRS-DICOM-008")
def test_check_tells_of_broken_pixels(tmp_path, ct_series, capsys):
    datasets = ct_series.series_datasets()
    datasets[2].PixelData = b"\0\0"
    ct_series.write(datasets, tmp_path)
    assert main(["check", str(tmp_path)]) == ExitCode.INPUT_REJECTED
    assert "refused     LAI-DICOM-025  Pixel data" in capsys.readouterr().out


@pytest.mark.verifies("SRS-DICOM-008")
def test_check_reports_notes_and_the_measured_properties(tmp_path, ct_series, capsys):
    datasets = ct_series.series_datasets()
    for dataset in datasets:
        dataset.BodyPartExamined = "HEAD"
        dataset.LossyImageCompression = "01"
    ct_series.write(datasets, tmp_path)
    assert main(["check", str(tmp_path)]) == ExitCode.INPUT_REJECTED
    capsys.readouterr()
    assert main(["check", str(tmp_path), "--allow-lossy"]) == ExitCode.OK
    assert "noted       body-part" in capsys.readouterr().out
    assert main(["check", str(tmp_path), "--allow-lossy", "--json"]) == ExitCode.OK
    record = json.loads(capsys.readouterr().out)
    assert [note["note_id"] for note in record["notes"]] == ["body-part", "lossy-compression"]
    assert record["gate"][0]["measured"] == "2.5 mm"


@pytest.mark.verifies("SRS-DICOM-008", "SRS-PREP-005")
def test_check_compares_with_the_limits_of_a_model(tmp_path, ct_series, capsys):
    ct_series.write(ct_series.series_datasets(spacing_mm=7.5), tmp_path)
    assert main(["check", str(tmp_path), "--model", str(bundled_pack())]) == ExitCode.OK
    assert "flagged     Distance between slices: 7.5 mm (allowed: at most 2.5 mm)" in capsys.readouterr().out
