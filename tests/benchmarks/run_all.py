"""Every benchmark that needs no argument, one after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_SERIES = _HERE.parents[1].parent / "shared" / "data" / "lidc_idri_0001" / "dicom"


def main() -> int:
    """Run the benchmarks; those that need a real series are left out, and named, where there is none."""
    failed = []
    for script in sorted(_HERE.glob("bench_*.py")):
        words = [str(_SERIES)] if script.stem == "bench_deid" else []
        if words and not _SERIES.is_dir():
            sys.stdout.write(f"{script.stem}: NOT MEASURED, there is no series at {_SERIES}\n")
            continue
        sys.stdout.write(f"== {script.stem}\n")
        sys.stdout.flush()
        failed += [script.stem] if subprocess.run([sys.executable, str(script), *words], check=False).returncode else []
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
