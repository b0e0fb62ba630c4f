"""Time the trace against two peers from PyPI, doorstop and sphinx-needs, on the same generated project in one run.

    python tests/benchmarks/bench_trace.py --count 1000 --peers /path/to/venv/bin/python

The peers stand in an environment of their own (``pip install doorstop sphinx-needs``). doorstop validates items alone;
sphinx-needs builds ``needs.json`` from items and tests; ours validates items and tests and writes JSON, CSV and HTML.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from trace_project import rows, write_project

REPOSITORY = Path(__file__).resolve().parents[2]
KIB = 1024

DOORSTOP = """
import sys
from pathlib import Path
sys.path.insert(0, {bench!r})
from trace_project import rows
root = Path({root!r})
for prefix, parent in (("UN", ""), ("SRS", "UN"), ("SDS", "SRS")):
    folder = root / prefix
    folder.mkdir(parents=True)
    line = f"  parent: {{parent}}\\n" if parent else ""
    (folder / ".doorstop.yml").write_text(f"settings:\\n  digits: 6\\n{{line}}  prefix: {{prefix}}\\n  sep: '-'\\n")
for row in rows({count}):
    links = "".join(f"- {{one}}: null\\n" for one in row.parents)
    links = f"links:\\n{{links}}" if links else "links: []\\n"
    (root / row.item_id.partition("-")[0] / f"{{row.item_id}}.yml").write_text(
        "active: true\\nderived: false\\nheader: ''\\nlevel: 1.0\\n" + links +
        "normative: true\\nref: ''\\nreviewed: null\\ntext: |\\n  " + row.text + "\\n")
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command cost."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def measure(words: list[str], folder: Path, environment: dict[str, str] | None = None) -> Cost:
    """Run a command to its end and return its cost, children included."""
    started = time.perf_counter()
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123  # os.devnull is a name and no path
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=nothing, stderr=nothing)
        _, _, usage = os.wait4(process.pid, 0)
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KIB)


def lungai(root: Path) -> list[str]:
    return [sys.executable, "-m", "lungai_core.cli.app", "trace", "matrix", "--root", str(root)]


def write_doorstop(python: str, root: Path, count: int) -> None:
    code = DOORSTOP.format(bench=str(Path(__file__).parent), root=str(root), count=count)
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run([python, "-c", code], check=True)


def write_needs(root: Path, count: int) -> None:
    root.mkdir()
    (root / "conf.py").write_text("extensions = ['sphinx_needs']\nneeds_id_regex = '^[A-Z0-9_-]+'\n", encoding="utf-8")
    lines = ["Items\n=====\n"]
    for row in rows(count):
        links = f"   :links: {', '.join(row.parents)}\n" if row.parents else ""
        lines.append(f".. req:: {row.title}\n   :id: {row.item_id}\n{links}\n   {row.text}\n")
        lines += [f".. test:: T\n   :id: T-{row.item_id}-{one}\n   :links: {row.item_id}\n" for one in range(row.tests)]
    (root / "index.rst").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    """Generate, run and print one table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=1000, help="items for the peers and ours")
    arguments.add_argument("--large", type=int, default=10_000, help="items for ours alone")
    arguments.add_argument("--peers", default="", help="a Python that has doorstop and sphinx-needs")
    chosen = arguments.parse_args()
    table: list[tuple[str, int, Cost]] = []
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        for count in dict.fromkeys((chosen.count, chosen.large)):
            root = base / f"ours{count}"
            tests, links = write_project(root, count)
            print(f"{count} items, {tests} tests, {links} links")
            table.append(("lungai trace matrix", count, measure(lungai(root), base, environment)))
            table.append(("lungai trace matrix, nothing changed", count, measure(lungai(root), base, environment)))
        if chosen.peers:
            bin_folder = Path(chosen.peers).parent
            write_doorstop(chosen.peers, base / "doorstop", chosen.count)
            # Items without stamps give warnings and no error: -W would stop, so the validation runs to its end.
            table.append(("doorstop (validate)", chosen.count, measure([f"{bin_folder}/doorstop"], base / "doorstop")))
            write_needs(base / "needs", chosen.count)
            build = [f"{bin_folder}/sphinx-build", "-q", "-b", "needs", ".", "out"]
            table.append(("sphinx-needs (needs.json)", chosen.count, measure(build, base / "needs")))
            build = [f"{bin_folder}/sphinx-build", "-q", "-b", "html", ".", "html"]
            table.append(("sphinx-needs (HTML)", chosen.count, measure(build, base / "needs")))
    ours = next(cost for name, count, cost in table if count == chosen.count)
    print(f"{'what':<40}{'items':>8}{'wall s':>9}{'CPU s':>9}{'MiB':>7}{'x ours':>9}")
    for name, count, cost in table:
        ratio = f"{cost.cpu_s / ours.cpu_s:.1f}" if count == chosen.count else ""
        print(f"{name:<40}{count:>8}{cost.wall_s:>9.2f}{cost.cpu_s:>9.2f}{cost.peak_mib:>7.0f}{ratio:>9}")


if __name__ == "__main__":
    main()
