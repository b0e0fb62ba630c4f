"""CPU time of de-identification beside its peers, a plain pydicom round trip and a raw copy, in one run.

``python tests/benchmarks/bench_deid.py SERIES --files 2000 --peers /path/to/venv/bin/python`` copies the slices of a
CT series until there are enough, and de-identifies them with each tool in a process of its own. What is reported is the
CPU time of that process and its children, start included, and the wall time, each the least of the rounds, and ratios;
wall time depends on what else the machine does, and is what several processes gain in. Each tool has its bytecode when
it is measured, as an installed package has: a first run on two files, which is not counted, leaves it in a folder of
the benchmark.
The peers need an environment of their own with ``pip install dicognito dicom-anonymizer``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pydicom

_QUIET = "import sys, warnings\nfrom pathlib import Path\nwarnings.simplefilter('ignore')\n"
_FILES = "for p in Path(sys.argv[1]).iterdir():\n    q = Path(sys.argv[2]) / p.name\n"
_RAW_COPY = _QUIET + "import shutil\n" + _FILES + "    shutil.copyfile(p, q)"
_PYDICOM = _QUIET + "import pydicom\n" + _FILES + "    pydicom.dcmread(p).save_as(q)"
_DICOGNITO = (
    _QUIET
    + "import pydicom\nfrom dicognito.anonymizer import Anonymizer\na = Anonymizer()\n"
    + _FILES
    + "    d = pydicom.dcmread(p)\n    a.anonymize(d)\n    d.save_as(q)"
)
_DICOM_ANONYMIZER = _QUIET + "from dicomanonymizer.anonymizer import main\nmain()"
_OURS = (
    _QUIET
    + "from lungai_core.deid import RunOptions, Secret, deidentify_series\n"
    + "secret, options = Secret(b'a secret for benchmarks'), RunOptions(jobs=int(sys.argv[3]))\n"
    + "deidentify_series(Path(sys.argv[1]), Path(sys.argv[2]) / 'out', secret=secret, options=options)"
)


def _slices(series: Path, folder: Path, count: int) -> None:
    files = sorted(path for path in series.iterdir() if path.is_file())
    for number in range(count):
        dataset = pydicom.dcmread(files[number % len(files)])
        dataset.SOPInstanceUID = f"1.3.6.1.4.1.14519.5.2.1.{10**20 + number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = number + 1
        dataset.save_as(folder / f"{number:06d}.dcm")


def _measured(words: list[str], target: Path, *, bytecode: Path) -> dict[str, float]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(bytecode)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    started = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, check=False, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{words[0]} failed: {done.stderr.decode()[-500:]}")
    written = sum(1 for path in target.rglob("*.dcm"))
    shutil.rmtree(target, ignore_errors=True)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu, "wall_s": wall, "files": written}


def _tools(source: Path, target: Path, *, peers: Path | None) -> dict[str, list[str]]:
    paths = [str(source), str(target)]
    tools = {
        "raw copy": [sys.executable, "-c", _RAW_COPY, *paths],
        "pydicom dcmread + save_as": [sys.executable, "-c", _PYDICOM, *paths],
        "lungai-core, 1 process": [sys.executable, "-c", _OURS, *paths, "1"],
        "lungai-core, 2 processes": [sys.executable, "-c", _OURS, *paths, "2"],
    }
    if peers is not None:
        tools["dicognito"] = [str(peers), "-c", _DICOGNITO, *paths]
        tools["dicom-anonymizer"] = [str(peers), "-c", _DICOM_ANONYMIZER, *paths]
    return tools | {"raw copy again": tools["raw copy"]}


def _table(results: dict[str, dict[str, float]], count: int) -> str:
    reference = results["pydicom dcmread + save_as"]["cpu_s"]
    ours = results["lungai-core, 1 process"]["cpu_s"]
    lines = [f"{'tool':28s} {'files':>6s} {'CPU ms/file':>12s} {'/ pydicom':>10s} {'/ ours':>8s} {'wall files/s':>13s}"]
    for tool, found in results.items():
        cpu, rate = found["cpu_s"], count / found["wall_s"]
        ratios = f"{cpu / count * 1000:12.3f} {cpu / reference:10.2f} {cpu / ours:8.2f}"
        lines.append(f"{tool:28s} {found['files']:6.0f} {ratios} {rate:13.0f}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run every tool in each round and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("series", type=Path)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--peers", type=Path, default=None)
    parser.add_argument("--json", type=Path, default=None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as name:
        source, first, target, bytecode = (Path(name) / part for part in ("in", "first", "out", "bytecode"))
        for folder, count in ((source, chosen.files), (first, 2)):
            folder.mkdir()
            _slices(chosen.series, folder, count)
        for words in _tools(first, target, peers=chosen.peers).values():
            _measured(words, target, bytecode=bytecode)
        tools = _tools(source, target, peers=chosen.peers)
        rounds = [
            {tool: _measured(words, target, bytecode=bytecode) for tool, words in tools.items()}
            for _ in range(chosen.rounds)
        ]
        results = {
            tool: {figure: min(one[tool][figure] for one in rounds) for figure in ("cpu_s", "wall_s", "files")}
            for tool in tools
        }
    sys.stdout.write(_table(results, chosen.files))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
