from __future__ import annotations

import csv
import json
import re
from hashlib import sha256

import pytest

from lungai_core.errors import EvidenceInputError, SignatureError
from lungai_core.evidence.bundle import BuildOrder, build
from lungai_core.evidence.manifest import SIGNATURE, check_names, verify
from lungai_core.evidence.regulations import Authority, load_regulations
from lungai_core.evidence.seal import key_pair
from lungai_core.evidence.trees import places_of


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.verifies("SRS-EVID-021")
def test_two_builds_of_the_same_inputs_have_the_same_bytes(project, few_regulations, finished, keys, tmp_path):
    seen = []
    order = BuildOrder(regulations=few_regulations, private_key=keys[0])
    build(project, tmp_path / "again", order=order, progress=seen.append)
    first, second = tree(finished), tree(tmp_path / "again")
    assert sorted(first) == sorted(second)
    assert [path for path in first if first[path] != second[path]] == []
    assert {path.rsplit(".", 1)[-1] for path in first} >= {"docx", "pdf", "xlsx", "html", "json", "csv"}
    assert len(seen) == len(few_regulations.artefacts)


@pytest.mark.verifies("SRS-EVID-024", "SRS-EVID-023", "RC-EVID-002")
def test_an_unchanged_set_has_no_problem(finished, keys):
    assert verify(finished, public_key=keys[1]) == ()
    assert verify(finished, public_key=None) == ()


@pytest.mark.verifies("SRS-EVID-034")
def test_each_document_stands_in_both_languages_and_in_the_trees_that_ask_for_it(finished):
    names = set(tree(finished))
    for language in ("en", "zh"):
        for ending in ("docx", "pdf"):
            assert f"documents/{language}/040_Software_Requirements_Specification_{language}.{ending}" in names
    assert "fda/VOL_001_Software/040_Software_Requirements_Specification_en.pdf" in names
    assert "fda/VOL_002_Cybersecurity/203_SBOM_en.pdf" in names
    assert "eu/Annex_II/5_Risk_Management/031_Risk_Management_File_en.pdf" in names
    study = [name for name in names if "CH3.5.5.8.1.1_总结/081_Verification_Summary_zh.pdf" in name]
    assert len(study) == 1
    data = [name for name in names if name.endswith("CH3.5.5.8.1.3_统计数据/results.csv")]
    assert [tree(finished)[name] for name in data] == [tree(finished)["evidence/run/results.csv"]]
    assert "nmpa/CH3.2_风险管理/031_Risk_Management_File_zh.pdf" in names
    content = tree(finished)
    copies = [content[name] for name in names if name.endswith("031_Risk_Management_File_zh.pdf")]
    assert len(copies) == 3
    assert len(set(copies)) == 1


@pytest.mark.verifies("SRS-EVID-034")
def test_every_artefact_has_a_place_with_at_least_one_authority_or_none_asks_for_it():
    regulations = load_regulations()
    homeless = []
    for artefact in regulations.artefacts:
        places = [
            place
            for authority in Authority
            for place in places_of(artefact, authority, regulations=regulations, campaign="abc_20260101")
        ]
        if not places:
            homeless.append(artefact.artefact_id)
    assert homeless == []


@pytest.mark.verifies("SRS-EVID-026")
def test_names_of_the_fda_tree_pass_the_electronic_copy_rules_and_bad_ones_are_named(finished, few_regulations):
    files = json.loads((finished / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert sum(path.startswith("fda/") for path in files) == len(few_regulations.artefacts)
    assert list(check_names(files)) == []
    bad = {
        "fda/VOL_001_Software/sub/001_a.pdf": {"bytes": 1},
        "fda/Volume1/001_a.pdf": {"bytes": 1},
        "fda/VOL_001_Software/a.pdf": {"bytes": 1},
        "fda/VOL_001_Software/001_ü.pdf": {"bytes": 1},
        "fda/VOL_001_Software/001_a.docx": {"bytes": 1},
        "fda/VOL_001_Software/001_big.pdf": {"bytes": 60 * 1024 * 1024},
        "documents/en/" + "x" * 126: {"bytes": 1},
    }
    assert {problem.path for problem in check_names(bad)} == set(bad)


@pytest.mark.verifies("SRS-EVID-022")
def test_the_manifest_resolves_every_source_to_a_file_with_its_hash(finished):
    manifest = json.loads((finished / "manifest.json").read_text(encoding="utf-8"))
    values = json.loads((finished / "values.json").read_text(encoding="utf-8"))["values"]
    assert len(values) > 500
    for value in values:
        for source in value["sources"]:
            assert source.startswith("TBC-") or source in manifest["sources"]
    run = manifest["sources"]["M-001"]
    assert run["path"] == "evidence/run/record.json"
    assert manifest["files"][run["path"]]["sha256"] == run["sha256"]
    assert run["tool"].startswith("pytest")
    assert run["time"]


@pytest.mark.verifies("SRS-EVID-024", "RC-EVID-002")
def test_changed_missing_and_added_files_are_each_named(set_copy):
    (set_copy / "index.html").write_bytes((set_copy / "index.html").read_bytes() + b" ")
    (set_copy / "documents/en/203_SBOM_en.pdf").unlink()
    (set_copy / "extra.txt").write_text("x", encoding="utf-8")
    (set_copy / "GAPS.csv").unlink()
    (set_copy / "GAPS.csv").symlink_to("CHECKLIST.csv")
    found = {(problem.kind, problem.path) for problem in verify(set_copy, public_key=None)}
    assert found == {
        ("changed", "index.html"),
        ("missing", "documents/en/203_SBOM_en.pdf"),
        ("added", "extra.txt"),
        ("changed", "GAPS.csv"),
    }


@pytest.mark.verifies("SRS-EVID-024", "SRS-EVID-023", "RC-EVID-002")
def test_a_forged_manifest_is_found_by_the_signature(set_copy, keys):
    page, path = set_copy / "index.html", set_copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    page.write_bytes(b"other")

    manifest["files"]["index.html"]["sha256"] = sha256(b"other").hexdigest()
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert verify(set_copy, public_key=None) == ()
    problems = verify(set_copy, public_key=keys[1])
    assert {(problem.kind, problem.path) for problem in problems} == {
        ("signature", "index.html"),
        ("signature", "manifest.json"),
    }


@pytest.mark.verifies("SRS-EVID-023", "RC-EVID-002")
def test_a_set_without_its_signature_or_with_a_foreign_one_is_not_accepted(set_copy, keys):
    with pytest.raises(SignatureError):
        verify(set_copy, public_key=key_pair()[1])
    (set_copy / SIGNATURE).unlink()
    assert [problem.message for problem in verify(set_copy, public_key=keys[1])] == ["the set is not signed"]


@pytest.mark.verifies("SRS-EVID-002", "SRS-EVID-024")
def test_a_value_that_its_record_does_not_hold_is_named_even_if_the_hashes_agree(set_copy):
    record = set_copy / "evidence/run/record.json"
    changed = record.read_bytes().replace(b'"passed": 4', b'"passed": 5')
    record.write_bytes(changed)
    path = set_copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    digest = sha256(changed).hexdigest()
    manifest["files"]["evidence/run/record.json"]["sha256"] = digest
    manifest["sources"]["M-001"]["sha256"] = digest
    path.write_text(json.dumps(manifest), encoding="utf-8")
    problems = verify(set_copy, public_key=None)
    assert {problem.kind for problem in problems} == {"value"}
    assert any("the record says 5 where 081_Verification_Summary says 4" in problem.message for problem in problems)


@pytest.mark.verifies("SRS-EVID-024")
def test_sources_tokens_and_broken_records_are_checked_too(set_copy):
    register = set_copy / "TBC_register.csv"
    rows = list(csv.reader(register.read_text(encoding="utf-8").splitlines()))
    register.write_text("\n".join(",".join(row[:1]) for row in rows if row[0] != "TBC-common-001"), encoding="utf-8")
    (set_copy / "evidence/run/record.json").write_bytes(b"{")
    path = set_copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["sources"].pop("D-001")
    manifest["sources"]["M-002"]["sha256"] = "0" * 64
    path.write_text(json.dumps(manifest), encoding="utf-8")
    kinds = {problem.kind for problem in verify(set_copy, public_key=None)}
    assert {"register", "changed", "value", "source"} <= kinds


@pytest.mark.verifies("SRS-EVID-024")
def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(EvidenceInputError, match="no readable manifest"):
        verify(tmp_path, public_key=None)
    (tmp_path / "manifest.json").write_text('{"schema": "x"}', encoding="utf-8")
    with pytest.raises(EvidenceInputError, match="no readable manifest"):
        verify(tmp_path, public_key=None)


@pytest.mark.verifies("SRS-EVID-035", "SRS-EVID-012")
def test_the_first_page_refers_to_no_other_host_and_its_links_exist(finished):
    page = (finished / "index.html").read_text(encoding="utf-8")
    assert "not a medical device" in page
    assert "不是医疗器械" in page
    assert not re.search(r"https?://|<script|src=", page)
    links = re.findall(r'href="([^"]+)"', page)
    assert len(links) > 40
    assert [link for link in links if not (finished / link).exists()] == []
