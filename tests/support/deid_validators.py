"""Outside judges over real files, before and after: ``python tests/support/deid_validators.py SHARED_DATA``.

A table of dciodvfy's errors in input and output, and of what dcmdump, GDCM and pydicom could read of the output.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

from lungai_core.deid import NAMED_PROFILES, Secret
from lungai_core.deid.engine import Engine
from lungai_core.errors import InputRejectedError

_EVERY = 40


def _errors(path: Path) -> Counter[str]:
    text = subprocess.run(["dciodvfy", "-new", path], capture_output=True, check=False).stderr.decode("latin-1")
    return Counter(re.sub(r"<[^>]*>", "<>", line) for line in text.splitlines() if line.startswith("Error"))


def _readers(path: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    found["dcmdump"] = not subprocess.run(["dcmdump", "-q", path], capture_output=True, check=False).returncode
    found["gdcm"] = not subprocess.run(["gdcmdump", "-i", path], capture_output=True, check=False).returncode
    pydicom.dcmread(path)
    found["pydicom"] = 1
    return found


def _groups(shared: Path) -> dict[str, list[Path]]:
    groups = {"pydicom's own files": sorted(Path(get_testdata_file("CT_small.dcm")).parent.rglob("*.dcm"))}
    for folder in sorted(path for path in shared.iterdir() if path.is_dir()):
        files = sorted(folder.rglob("*.dcm"))
        if files:
            groups[folder.name] = files if len(files) < _EVERY else files[::_EVERY]
    return groups


def main() -> None:
    """Print one line a group and profile."""
    head = ("group", "profile", "in", "out", "refused", "errors before", "after", "new", "dcmdump", "gdcm", "pydicom")
    sys.stdout.write("| " + " | ".join(head) + " |\n" + "|" + " --- |" * len(head) + "\n")
    for name in sys.argv[2:] or ["basic"]:
        for group, files in _groups(Path(sys.argv[1])).items():
            engine, counts = Engine(NAMED_PROFILES[name], Secret(b"a secret for tests only")), Counter()
            for path in files:
                try:
                    pieces = engine.release(path.read_bytes()).pieces
                except InputRejectedError:
                    counts["refused"] += 1
                    continue
                with tempfile.NamedTemporaryFile(suffix=".dcm") as out:
                    out.write(b"".join(pieces))
                    out.flush()
                    before, after = _errors(path), _errors(Path(out.name))
                    counts += _readers(Path(out.name))
                counts.update(out=1, before=before.total(), after=after.total(), new=(after - before).total())
            keys = ("out", "refused", "before", "after", "new", "dcmdump", "gdcm", "pydicom")
            cells = [group, name, str(len(files)), *(str(counts[key]) for key in keys)]
            sys.stdout.write("| " + " | ".join(cells) + " |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
