"""Run a batch of phantom cases, kill it three times, and count what was lost or doubled.

    python tests/benchmarks/chaos_batch.py [CASES]

Kill 1 takes one worker, kill 2 the supervisor, kill 3 everything at once. Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lungai_core.inference.ledger import SqliteLedger
from lungai_core.report.result_json import read_result_json
from lungai_core.testing.phantom import PhantomSpec, make_phantom
from lungai_core.testing.series import write_phantom_series


def write_cases(folder: Path, number: int) -> Path:
    """Write one small phantom series and a list of cases with a candidate each."""
    ct_dir = write_phantom_series(
        make_phantom(PhantomSpec(shape_zyx=(24, 64, 64), spacing_zyx_mm=(6.0, 5.5, 5.5), noise_hu=5.0)), folder / "ct"
    )
    listed = []
    for n in range(number):
        candidate = {"candidate_id": "1", "center_lps_mm": [-60.0 + n * 0.01, 0.0, 0.0]}
        path = folder / f"candidates-{n}.json"
        path.write_text(json.dumps({"schema_version": "lungai-candidates/1", "candidates": [candidate]}))
        listed.append({"case_id": f"case-{n:04}", "ct_dir": ct_dir.name, "candidates_file": path.name})
    cases = folder / "cases.json"
    cases.write_text(json.dumps({"schema_version": "lungai-cases/1", "cases": listed}))
    return cases


def start(cases: Path, out: Path) -> subprocess.Popen[str]:
    """Start the batch in a process group of its own."""
    command = [sys.executable, "-m", "lungai_core.cli.app", "batch", str(cases), "--out", str(out), "--no-dicom"]
    return subprocess.Popen(
        [*command, "--jobs", "2", "--lease-s", "5"], stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def workers_of(pid: int) -> list[int]:
    """Return the worker processes of a supervisor."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def wait_for(ledger: SqliteLedger, path: Path, ended: int) -> None:
    """Wait until so many cases have ended."""
    while not (path.exists() and path.stat().st_size) or ledger.count().ended < ended:
        time.sleep(0.05)


def main(number: int) -> dict[str, object]:
    """Run, kill three times, resume, count."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases, out = write_cases(folder, number), folder / "out"
        path = out / "ledger.sqlite"
        ledger = SqliteLedger(path)
        began = time.monotonic()
        run = start(cases, out)
        wait_for(ledger, path, number // 5)
        os.kill(workers_of(run.pid)[0], signal.SIGKILL)
        wait_for(ledger, path, 2 * number // 5)
        run.kill()
        run.communicate()
        run = start(cases, out)
        wait_for(ledger, path, 3 * number // 5)
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        run = start(cases, out)
        _, shown = run.communicate()
        count = ledger.count()
        results = [read_result_json(found) for found in sorted(out.glob("case-*/result.json"))]
        inputs = {result.input.candidates_sha256 for result in results if result.input is not None}
        return {
            "cases": number,
            "kills": 3,
            "ended": count.ended,
            "results": len(results),
            "lost": number - len(results),
            "doubled": len(results) - len(inputs),
            "parts_left": len(list(out.glob(".*.part"))),
            "seconds": round(time.monotonic() - began, 1),
            "said": [line for line in shown.splitlines() if line.startswith("done ")],
        }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)))
