from __future__ import annotations

import json

import pytest

from lungai_core.evidence import measure
from lungai_core.evidence.measure import measure_project, measurements_json


@pytest.mark.verifies("SRS-EVID-003", "SRS-EVID-036")
def test_each_installed_tool_gives_a_row_with_version_command_and_findings(tmp_path, monkeypatch):
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("import os\n\n\ndef f(x):\n    return eval(x)\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.ruff.lint]\nselect = ['F', 'S']\n[tool.bandit]\n", encoding="utf-8")
    absent = ("other", "no-such-distribution", ("-V",), "x")
    monkeypatch.setattr(measure, "_TOOLS", (measure._TOOLS[0], measure._TOOLS[2], absent))
    checks = measure_project(tmp_path)
    assert [(check.tool, check.exit_code, check.findings) for check in checks] == [("ruff", 1, 2), ("bandit", 1, 1)]
    content = json.loads(measurements_json(checks, time="2026-11-22T20:00:00+00:00"))
    assert content["checks"][1]["command"] == "python -m bandit -q -r pkg -c pyproject.toml"
    assert all(check["version"] for check in content["checks"])
