from __future__ import annotations

import json

import pytest

from lungai_core.cli.app import main
from support import deid_corpus as corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    source = tmp_path_factory.mktemp("cli") / "in"
    for number in (1, 2):
        corpus.write_all(
            source, {f"{number}.dcm": corpus.as_bytes(corpus.new_object("ct", number=number, patient="QXP"))}
        )
    (source.parent / "secret").write_text("0123456789abcdef0123456789abcdef\n", encoding="utf-8")
    return source


@pytest.mark.verifies("SRS-DEID-012")
def test_a_folder_is_deidentified_with_a_secret_file(folder, tmp_path, capsys):
    words = ["deidentify", str(folder), str(tmp_path / "out"), "--secret-file", str(folder.parent / "secret")]
    assert (
        main([*words, "--profile", "research-longitudinal", "--option", "retain_institution_identity", "--jobs", "2"])
        == 0
    )
    assert "2 files: 2 written, 0 refused" in capsys.readouterr().out
    assert (tmp_path / "out-audit" / "audit.json").is_file()
    assert (
        main([*words, "--profile", "research-longitudinal", "--option", "retain_institution_identity", "--resume"]) == 0
    )


@pytest.mark.verifies("SRS-DEID-012", "SRS-DEID-010")
def test_the_audit_is_printed_as_json_and_a_dry_run_writes_nothing(folder, tmp_path, capsys):
    assert main(["deidentify", str(folder), str(tmp_path / "out"), "--dry-run", "--json"]) == 0
    audit = json.loads(capsys.readouterr().out)
    assert (audit["format"], audit["files_in"]) == ("lungai-deid-audit/1", 2)
    assert not (tmp_path / "out").exists()


@pytest.mark.verifies("SRS-DEID-012", "RC-DEID-004")
def test_a_refused_file_gives_exit_code_1(tmp_path, capsys):
    source = tmp_path / "in"
    source.mkdir()
    (source / "QXNAME.txt").write_text("x", encoding="utf-8")
    assert main(["deidentify", str(source), str(tmp_path / "out")]) == 1
    out = capsys.readouterr().out
    assert "refused: file 1" in out
    assert "QXNAME" not in out


@pytest.mark.verifies("SRS-DEID-012")
def test_wrong_words_are_usage_errors(folder, tmp_path, capsys):
    base = ["deidentify", str(folder), str(tmp_path / "out")]
    assert main([*base, "--profile", "nonsense"]) == 2
    assert main([*base, "--resume"]) == 2
    assert main([*base, "--secret-file", str(tmp_path / "absent")]) == 2
    capsys.readouterr()


@pytest.mark.verifies("SRS-DEID-012", "SRS-DEID-010")
@pytest.mark.parametrize("profile", ["basic", "hipaa-safe-harbor", "gbt-35273", "research-longitudinal"])
def test_every_row_of_the_table_is_described_for_a_profile(profile, capsys):
    assert main(["deidentify", "--describe", "--profile", profile]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| (")]
    assert len(rows) == 657
    assert main(["deidentify"]) == 2


@pytest.mark.verifies("SRS-DEID-012", "SRS-DEID-011")
def test_an_empty_folder_is_an_error_with_a_remedy_and_makes_nothing(tmp_path, capsys):
    (tmp_path / "in" / "deeper").mkdir(parents=True)
    assert main(["deidentify", str(tmp_path / "in"), str(tmp_path / "out")]) == 2
    assert "Name the folder that holds the series" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
