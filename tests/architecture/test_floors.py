from __future__ import annotations

import os
import subprocess
import sys
import tomllib

import pytest


@pytest.mark.verifies("SRS-ERR-005")
def test_every_import_keeps_to_its_floor(repository):
    pytest.importorskip("importlinter", reason="import-linter is in the extra [dev]; tox -e floors runs it too")
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    outcome = subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.verifies("SRS-ERR-005")
def test_the_floor_contract_is_exhaustive(repository):
    settings = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    floors = settings["tool"]["importlinter"]["contracts"][0]
    assert floors["type"] == "layers"
    assert floors["exhaustive"] is True
