from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"numpy", "pydicom", "pydantic", "torch", "monai", "onnxruntime", "scipy", "highdicom", "matplotlib", "pytest"}


def _top_level_modules_after(statements):
    program = f"import sys, json; {statements}; print(json.dumps(sorted(name.split('.')[0] for name in sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(json.loads(run.stdout))


@pytest.mark.verifies("SRS-ERR-002")
def test_importing_the_package_loads_nothing_heavy():
    assert not HEAVY & _top_level_modules_after("import lungai_core")


@pytest.mark.verifies("SRS-ERR-002")
def test_registering_every_verb_loads_nothing_heavy():
    statements = "import lungai_core.cli.app as a; a.register_verbs()"
    assert not HEAVY - {"pydantic"} & _top_level_modules_after(statements)
