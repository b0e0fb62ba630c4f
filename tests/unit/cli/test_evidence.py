from __future__ import annotations

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
