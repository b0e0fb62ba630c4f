from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lungai_core.cli.app import main
from lungai_core.cli.batch import in_shard
from lungai_core.errors import InvalidArgumentError, LedgerBusyError, LedgerMismatchError
from lungai_core.inference.ledger import BatchCase, CaseState, SqliteLedger
from lungai_core.report.result_json import read_result_json
from lungai_core.testing.phantom import PhantomSpec, make_phantom
from lungai_core.testing.series import write_phantom_series

CENTERS = [(-60.0, 0.0, 0.0), (60.0, 10.0, 5.0), (-50.0, 20.0, -10.0)]


def write_list(folder, *, cases, broken=0):
    """Cases over one small phantom series, each with a candidate of its own; the last ones have no series."""
    spec = PhantomSpec(shape_zyx=(24, 64, 64), spacing_zyx_mm=(6.0, 5.5, 5.5), noise_hu=5.0)
    ct_dir = write_phantom_series(make_phantom(spec), folder / "ct")
    listed = []
    for n in range(cases):
        x, y, z = CENTERS[n % len(CENTERS)]
        found = [{"candidate_id": "1", "center_lps_mm": [x, y, z + n * 0.01]}]
        path = folder / f"candidates-{n}.json"
        path.write_text(json.dumps({"schema_version": "lungai-candidates/1", "candidates": found}))
        place = str(folder / "none") if n >= cases - broken else ct_dir.name
        listed.append({"case_id": f"case-{n:03}", "ct_dir": place, "candidates_file": path.name})
    path = folder / "cases.json"
    path.write_text(json.dumps({"schema_version": "lungai-cases/1", "cases": listed}))
    return path


def start(cases, out, *options):
    command = [
        sys.executable,
        "-m",
        "lungai_core.cli.app",
        "batch",
        str(cases),
        "--out",
        str(out),
        "--no-dicom",
        *options,
    ]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def children(pid):
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            command = stat.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == pid and b"spawn_main" in command:
            found.append(int(stat.parent.name))
    return found


def wait_until(condition, *, seconds=60.0):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("the batch did not come so far in time")


@pytest.mark.verifies("SRS-CLI-003", "SRS-INFER-011", "RC-INFER-006")
def test_every_case_ends_once_over_the_death_of_a_worker_and_of_the_whole_run(tmp_path):
    cases, out = write_list(tmp_path, cases=8, broken=1), tmp_path / "out"
    ledger = SqliteLedger(out / "ledger.sqlite")
    options = ("--jobs", "2", "--lease-s", "2")
    first = start(cases, out, *options)
    # An empty file is one that SQLite has opened and not yet written.
    wait_until(
        lambda: (
            (out / "ledger.sqlite").exists()
            and (out / "ledger.sqlite").stat().st_size
            and ledger.count().ended >= 1
            and children(first.pid)
        )
    )
    os.kill(children(first.pid)[0], signal.SIGKILL)
    wait_until(lambda: ledger.count().ended >= 2)
    first.kill()
    # The workers hold the same stderr: this returns when the last of them has seen that its parent is gone.
    first.communicate(timeout=60)
    assert ledger.count().ended < ledger.count().total
    second = start(cases, out, *options)
    _, shown = second.communicate(timeout=200)
    assert second.returncode == 3
    assert "done 7 + rejected 1 + failed 0 = input 8" in shown
    results = {path.parent.name: read_result_json(path) for path in out.glob("*/result.json")}
    assert sorted(results) == [f"case-{n:03}" for n in range(8)]
    assert results["case-007"].refusal is not None
    assert all(len(result.nodules) == 1 for name, result in results.items() if name != "case-007")
    assert list(out.glob(".*.part")) == []


@pytest.mark.verifies("SRS-CLI-003")
def test_a_finished_batch_is_not_run_again_and_a_result_left_by_a_dead_worker_is_taken(tmp_path):
    cases, out = write_list(tmp_path, cases=2), tmp_path / "out"
    assert main(["batch", str(cases), "--out", str(out), "--no-dicom"]) == 5
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("*/result.json")}
    assert main(["batch", str(cases), "--out", str(out), "--no-dicom"]) == 5
    (out / "ledger.sqlite").unlink()
    assert main(["batch", str(cases), "--out", str(out), "--no-dicom"]) == 5
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/result.json")} == stamps
    assert SqliteLedger(out / "ledger.sqlite").count().of(CaseState.DONE) == 2


@pytest.mark.verifies("SRS-CLI-003", "SRS-INFER-011")
def test_a_result_of_another_input_in_the_folder_of_a_case_is_left_there_and_fails_the_case(tmp_path, capsys):
    cases, out = write_list(tmp_path, cases=1), tmp_path / "out"
    assert main(["batch", str(cases), "--out", str(out), "--no-dicom"]) == 5
    earlier = (out / "case-000" / "result.json").read_bytes()
    listed = (tmp_path / "candidates-0.json").read_text()
    (tmp_path / "candidates-0.json").write_text(listed.replace("-60.0", "-59.0"))
    (out / "ledger.sqlite").unlink()
    assert main(["batch", str(cases), "--out", str(out), "--no-dicom"]) == 6
    assert f"case-000: failed: {LedgerMismatchError.code}" in capsys.readouterr().err
    assert (out / "case-000" / "result.json").read_bytes() == earlier


@pytest.mark.verifies("SRS-CLI-003")
def test_a_second_run_on_the_same_folder_is_refused(tmp_path, capsys):
    fcntl = pytest.importorskip("fcntl", reason="POSIX only")
    cases, out = write_list(tmp_path, cases=1), tmp_path / "out"
    out.mkdir()
    with (out / "ledger.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["batch", str(cases), "--out", str(out)]) == 6
    assert LedgerBusyError.code in capsys.readouterr().err


@pytest.mark.verifies("SRS-CLI-003")
def test_shards_part_the_list_and_a_bad_shard_is_refused():
    cases = tuple(BatchCase(case_id=str(n), ct_dir="a", candidates_file="b") for n in range(7))
    parts = [in_shard(cases, shard=f"{i}/3") for i in range(3)]
    assert sorted(case.case_id for part in parts for case in part) == [case.case_id for case in cases]
    for shard in ("3/3", "a/b", "1", "-1/2"):
        with pytest.raises(InvalidArgumentError):
            in_shard(cases, shard=shard)


@pytest.mark.verifies("SRS-CLI-003")
def test_a_batch_that_cannot_open_its_model_makes_no_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    cases, out = write_list(tmp_path, cases=1), tmp_path / "out"
    assert main(["batch", str(cases), "--out", str(out)]) == 6
    assert "lungai-core[inference]" in capsys.readouterr().err
    assert not out.exists()
