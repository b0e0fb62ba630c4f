from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lungai_core.cli.app import main
from lungai_core.cli.doctor import examine
from lungai_core.modelpack.pack import bundled_pack, open_pack


@pytest.mark.verifies("SRS-CLI-004")
def test_the_doctor_names_versions_and_runs_the_self_test(capsys):
    assert main(["doctor", "--json"]) == 0
    findings = {(f["topic"], f["name"]): f for f in json.loads(capsys.readouterr().out)}
    assert findings["software", "lungai-core"]["state"] == "ok"
    assert findings["package", "numpy"]["state"] == "ok"
    assert "self-test passed" in findings["provider", "CPUExecutionProvider"]["detail"]
    assert all(f["state"] == "ok" or f["detail"] for f in findings.values())


@pytest.mark.verifies("SRS-CLI-004")
def test_the_doctor_prints_a_table(capsys):
    assert main(["doctor"]) == 0
    assert "lungai-core" in capsys.readouterr().out


@pytest.mark.verifies("SRS-CLI-004", "RC-INFER-002")
def test_a_self_test_that_fails_is_told(monkeypatch):
    pack = open_pack(bundled_pack())
    first, *others = pack.reference.outputs
    moved = first.model_copy(update={"values": tuple(value + 1 for value in first.values)})
    broken = replace(pack, reference=pack.reference.model_copy(update={"outputs": (moved, *others)}))
    states = {finding.name: finding for finding in examine(broken)}
    assert states["CPUExecutionProvider"].state == "broken"
    assert "LAI-PACK-006" in states["CPUExecutionProvider"].detail
    monkeypatch.setattr("lungai_core.modelpack.pack.open_pack", lambda _: broken)
    assert main(["doctor"]) == 6
