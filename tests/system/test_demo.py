from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lungai_core.cli import app as cli
from lungai_core.cli.demo import run_demo
from lungai_core.domain.case_report import CaseReport, CaseStatus, InputKind
from lungai_core.errors import ExitCode
from lungai_core.testing.phantom import PhantomNodule, PhantomSpec

pytest.importorskip("onnxruntime", reason="the demo runs a model: extra [inference]")

SMALL = PhantomSpec(
    shape_zyx=(40, 128, 128),
    spacing_zyx_mm=(6.0, 2.7, 2.7),
    nodules=(PhantomNodule(nodule_id="n1", center_lps_mm=(-80.0, 5.0, 10.0), diameter_mm=14.0),),
)


def _files(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "out"
    steps = []
    report = run_demo(SMALL, folder, on_step=steps.append)
    return folder, report, steps


@pytest.mark.verifies("SRS-CLI-010")
def test_the_demo_walks_from_the_phantom_to_the_report(demo):
    folder, report, steps = demo
    assert steps[:2] == ["generate phantom", "de-identify"]
    assert {"report/result.json", "report/report.html", "phantom/truth.json"} <= _files(folder).keys()
    assert [nodule.candidate_id for nodule in report.nodules] == ["n1"]
    assert report.input.kind is InputKind.PHANTOM
    written = CaseReport.model_validate_json((folder / "report" / "result.json").read_bytes())
    assert written == report


@pytest.mark.verifies("SRS-CLI-010")
def test_the_report_is_of_the_deidentified_series(demo):
    folder, report, _ = demo
    original = json.loads((folder / "phantom" / "candidates.json").read_text())["series_instance_uid"]
    rebound = json.loads((folder / "candidates.json").read_text())["series_instance_uid"]
    assert report.input.series_instance_uid == rebound != original
    slices = [path for name, path in _files(folder).items() if name.startswith("deidentified/")]
    assert len(slices) == SMALL.shape_zyx[0]
    assert not [path for path in slices if b"Phantom^Thorax" in path.read_bytes()]


@pytest.mark.verifies("SRS-CLI-010", "RC-CLI-001")
def test_the_report_says_that_it_is_a_phantom_and_not_for_clinical_use(demo):
    folder, _, _ = demo
    page = (folder / "report" / "report.html").read_text(encoding="utf-8")
    assert "phantom" in page.lower()
    assert "Not for clinical use" in page
    assert "This network is NOT TRAINED" not in page


@pytest.mark.verifies("SRS-CLI-010", "SRS-INFER-005")
def test_the_bundled_network_finds_the_size_of_the_phantoms_nodule(demo):
    _, report, _ = demo
    assert report.status is CaseStatus.COMPLETE
    (nodule,) = report.nodules
    # Slices of 6 mm are thicker than the network was trained with.
    assert nodule.size.network_mm == pytest.approx(SMALL.nodules[0].diameter_mm, abs=5.0)
    assert nodule.mask.volume_mm3 > 0


@pytest.mark.verifies("SRS-CLI-010", "SRS-TEST-002")
def test_two_demos_give_the_same_files_but_for_their_timings(demo, tmp_path):
    folder, first, _ = demo
    second = run_demo(SMALL, tmp_path / "again")
    assert second.model_copy(update={"timings_s": None}) == first.model_copy(update={"timings_s": None})
    slices = {name: path for name, path in _files(folder).items() if name.endswith(".dcm")}
    again = _files(tmp_path / "again")
    assert {name: path.read_bytes() for name, path in slices.items()} == {n: again[n].read_bytes() for n in slices}


@pytest.mark.verifies("SRS-CLI-010", "SRS-FILE-001")
def test_a_folder_that_holds_something_is_refused_and_kept(tmp_path):
    (tmp_path / "kept").touch()
    assert cli.main(["demo", "--out", str(tmp_path)]) == ExitCode.RESOURCE
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.verifies("SRS-CLI-010", "SRS-ERR-007")
def test_the_command_prints_table_provider_place_time_and_notice(tmp_path):
    command = [sys.executable, "-m", "lungai_core.cli.app", "demo"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(run.stdout.strip()) == Path("lungai-demo/report/report.html")
    assert Path(again.stdout.strip()) == Path("lungai-demo-2/report/report.html")
    for words in (
        "spiculated-18mm",
        "ran on",
        "elapsed",
        "not a patient",
        "Not for clinical use",
    ):
        assert words in run.stderr
