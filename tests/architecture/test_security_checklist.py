"""The security checklist, the threat model and the policy of this repository, compared with what is really there."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys

import pytest

from lungai_core.evidence.checklist import read_checklist
from lungai_core.evidence.measure import SECRETS_SCAN

FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "joblib", "yaml"}
FORBIDDEN_CALLS = {"eval", "exec"}


@pytest.fixture(scope="module")
def questions(repository):
    path = repository / "risk/security_checklist.toml"
    return read_checklist(path.read_bytes(), where=path.name)


@pytest.mark.verifies("SRS-EVID-038")
def test_every_test_that_the_checklist_names_exists(repository, questions):
    named = [test for question in questions for test in question.tests]
    assert len(named) > 30
    for test in named:
        path, _, function = test.partition("::")
        assert f"\ndef {function}(" in (repository / path).read_text(encoding="utf-8"), test


@pytest.mark.verifies("SRS-EVID-038")
def test_each_threat_names_a_control_or_says_that_it_lies_outside(repository):
    rows = re.findall(r"^\| (T-\d\d) .*\| ([^|]+) \|$", (repository / "risk/threats.md").read_text(), re.MULTILINE)
    known = set(re.findall(r"^## (RC-[A-Z]+-\d{3}) ", (repository / "risk/controls.md").read_text(), re.MULTILINE))
    assert len(rows) == 16
    for threat, controls in rows:
        assert controls == "outside the component" or set(controls.split(", ")) <= known, threat


@pytest.mark.verifies("SRS-EVID-038", "RC-PACK-001")
def test_no_module_loads_objects_that_could_carry_code(repository):
    found = []
    for path in sorted((repository / "lungai_core").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {name.name.partition(".")[0] for name in node.names} if isinstance(node, ast.Import) else set()
            names |= {str(node.module).partition(".")[0]} if isinstance(node, ast.ImportFrom) else set()
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            found += [f"{path.name}: {name}" for name in names & FORBIDDEN_MODULES]
            found += [f"{path.name}: {called}"] if called in FORBIDDEN_CALLS else []
    assert found == []


@pytest.mark.verifies("SRS-EVID-038")
def test_the_security_policy_says_where_to_report_and_what_is_supported(repository):
    policy = (repository / "SECURITY.md").read_text(encoding="utf-8")
    assert "private vulnerability report" in policy
    assert "## Versions with security updates" in policy


@pytest.mark.verifies("SRS-EVID-040")
def test_no_tracked_file_holds_a_secret_that_the_scanner_knows(repository):
    pytest.importorskip("detect_secrets")
    scan = subprocess.run([sys.executable, *SECRETS_SCAN], cwd=repository, capture_output=True, text=True, check=True)
    found = json.loads(scan.stdout)["results"]
    assert {path: [each["line_number"] for each in rows] for path, rows in found.items()} == {}
