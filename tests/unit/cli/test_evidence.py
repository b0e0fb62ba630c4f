from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from lungai_core.cli.app import main
from lungai_core.evidence import bundle
from lungai_core.evidence.regulations import load_regulations
from lungai_core.evidence.sample import run_sample, write_sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_sample(tmp_path_factory.mktemp("cli_evidence") / "sample")
    run_sample(folder)
    (folder / "keys").mkdir()
    assert main(["evidence", "keygen", "--out", str(folder / "keys")]) == 0
    return folder


def build(folder, out, *more):
    record = folder / "build/trace/record.json"
    return main(["evidence", "build", "--project", str(folder), "--run", str(record), "--out", str(out), *more])


@pytest.mark.verifies("SRS-EVID-036")
def test_bad_words_leave_with_the_exit_codes_of_the_manual(folder, tmp_path, capsys):
    assert build(folder, tmp_path / "a", "--profile", "mars") == 2
    assert "fda, nmpa, eu" in capsys.readouterr().err
    manufacturer = tmp_path / "manufacturer.toml"
    manufacturer.write_text("[fields]\n", encoding="utf-8")
    assert build(folder, tmp_path / "a", "--manufacturer", str(manufacturer)) == 2
    assert build(folder, tmp_path / "a", "--release") == 3
    assert "LAI-EVID-004" in capsys.readouterr().err
    assert main(["evidence", "verify", str(tmp_path)]) == 3
    assert main(["evidence", "keygen", "--out", str(folder / "keys")]) == 2
    assert not (tmp_path / "a").exists()


@pytest.mark.verifies("SRS-EVID-036", "SRS-EVID-018")
def test_a_file_is_signed_and_refused_with_another_key(folder, tmp_path, capsys):
    manufacturer = tmp_path / "manufacturer.toml"
    manufacturer.write_text("[fields]\n", encoding="utf-8")
    assert main(["evidence", "sign", str(manufacturer), "--key", str(folder / "keys/evidence.key")]) == 0
    assert (tmp_path / "manufacturer.toml.dsse.json").is_file()
    assert main(["evidence", "keygen", "--out", str(tmp_path)]) == 0
    options = ("--manufacturer", str(manufacturer), "--trust", str(tmp_path / "evidence.pub"))
    assert build(folder, tmp_path / "a", *options) == 3
    assert "LAI-EVID-005" in capsys.readouterr().err


@pytest.mark.verifies("SRS-EVID-036", "SRS-EVID-024")
def test_a_set_is_built_verified_and_found_changed(folder, tmp_path, capsys, monkeypatch):
    # Two documents instead of eighty: the verb is under test here, not the renderers.
    few = replace(load_regulations(), artefacts=load_regulations().artefacts[2:4])
    monkeypatch.setattr(bundle, "load_regulations", lambda: few)
    out = tmp_path / "set"
    assert build(folder, out, "--profile", "fda,eu", "--key", str(folder / "keys/evidence.key")) == 0
    assert "2 documents in 2 languages" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} >= {"fda", "eu", "documents"}
    assert not (out / "nmpa").exists()
    verify = ["evidence", "verify", str(out), "--public-key", str(folder / "keys/evidence.pub")]
    assert main(verify) == 0
    assert "0 problems; signature checked" in capsys.readouterr().out
    (out / "index.html").write_text("x", encoding="utf-8")
    assert main([*verify, "--json"]) == 1
    assert [each["path"] for each in json.loads(capsys.readouterr().out)] == ["index.html"]
    assert main(["evidence", "verify", str(out)]) == 1
    assert "signature not checked" in capsys.readouterr().out


@pytest.mark.verifies("SRS-EVID-036", "SRS-EVID-039")
def test_an_audit_without_an_advisory_file_writes_nothing_and_says_so(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("LUNGAI_ADVISORIES", raising=False)
    run, out = str(folder / "build/trace/record.json"), tmp_path / "advisories.json"
    assert main(["evidence", "audit", "--run", run, "--out", str(out)]) == 0
    assert "NOT MEASURED" in capsys.readouterr().out
    assert not out.exists()


@pytest.mark.verifies("SRS-EVID-036", "SRS-EVID-039")
def test_an_audit_names_each_package_that_an_advisory_names(folder, tmp_path, capsys):
    entry = {
        "id": "PYSEC-1", "modified": "2026-01-01T00:00:00Z",
        "affected": [{"package": {"name": "pytest", "ecosystem": "PyPI"},
                      "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}],
    }  # fmt: skip
    (tmp_path / "osv.json").write_text(json.dumps([entry]), encoding="utf-8")
    run, out = str(folder / "build/trace/record.json"), tmp_path / "advisories.json"
    assert main(["evidence", "audit", "--run", run, "--out", str(out), "--advisories", str(tmp_path / "osv.json")]) == 0
    assert "PYSEC-1" in capsys.readouterr().out
    assert json.loads(out.read_bytes())["count"] == 1


@pytest.mark.verifies("SRS-EVID-036", "SRS-EVID-041")
def test_a_cross_validation_becomes_a_study_file(tmp_path, capsys):
    rows = "data_set,sample_id,patient_id,diagnosis,mean_rating,dice,diameter_mm\nD,a,p,,,0.5,\nD,b,q,,,0.7,\n"
    (tmp_path / "predictions.csv").write_text(rows, encoding="utf-8")
    figure = {"data_set": "D", "who": "network", "name": "Dice", "label": "mask", "value": 0.6,
              "interval_95": [0.5, 0.7], "n": 2, "patients": 2, "method": "bootstrap"}  # fmt: skip
    hashed = {"plan_sha256": "1", "predictions_sha256": hashlib.sha256(rows.encode()).hexdigest(), "weights_sha256": []}
    (tmp_path / "evaluation.json").write_text(json.dumps({**hashed, "figures": [figure]}), encoding="utf-8")
    card = ["study_id", "title_en", "title_zh", "protocol", "tool"]
    data = ["name", "version", "licence", "split_sha256", "reference_standard", "readers"]
    texts = [
        *(f'{name} = "x"' for name in card),
        'data_set = "D"',
        'started = "2026-01-01T00:00:00+00:00"',
        "[data]",
        *(f'{name} = "x"' for name in data),
    ]
    (tmp_path / "card.toml").write_text("\n".join(texts), encoding="utf-8")
    out = tmp_path / "study.json"
    assert main(["evidence", "study", str(tmp_path), "--card", str(tmp_path / "card.toml"), "--out", str(out)]) == 0
    assert "1 metrics on 2 nodules, 0 left out" in capsys.readouterr().out
    assert json.loads(out.read_bytes())["nature"] == "research"


@pytest.mark.verifies("SRS-EVID-036", "SRS-TEST-007")
def test_phantom_cases_leave_their_record_and_a_study(tmp_path, capsys):
    assert main(["evidence", "phantoms", "--cases", "1", "--seed", "3", "--out", str(tmp_path / "in")]) == 0
    assert "1 of 1 phantom cases passed" in capsys.readouterr().out
    record = json.loads((tmp_path / "in/PHANTOM_cases.json").read_bytes())
    assert (record["counts"]["failed"], record["seed"]) == (0, 3)
    assert json.loads((tmp_path / "in/studies/network_on_phantoms.json").read_bytes())["nature"] == "phantom"
