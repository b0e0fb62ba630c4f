from __future__ import annotations

import io
import json
import zipfile

import pytest

from lungai_core.errors import EvidenceInputError
from lungai_core.evidence.advisories import audit_json, find_vulnerable, read_advisories
from lungai_core.trace.record import Package

PACKAGES = (Package("Some_Package", "1.5.0", ""), Package("other", "2.0", ""), Package("odd", "not-a-version", ""))


def advisory(number, *, name="some-package", ecosystem="PyPI", versions=(), events=(), **more):
    return {
        "id": f"PYSEC-{number}",
        "modified": f"2026-01-0{number}T00:00:00Z",
        "affected": [
            {
                "package": {"name": name, "ecosystem": ecosystem},
                "versions": list(versions),
                "ranges": [{"type": "ECOSYSTEM", "events": list(events)}] if events else [],
            }
        ],
        **more,
    }


def found(*entries):
    advisories = read_advisories(json.dumps(list(entries)).encode(), where="a.json")
    return [(package.name, each.advisory_id) for package, each in find_vulnerable(PACKAGES, advisories)]


@pytest.mark.verifies("SRS-EVID-039")
@pytest.mark.parametrize(
    ("events", "hit"),
    [
        ([{"introduced": "0"}], True),
        ([{"introduced": "0"}, {"fixed": "1.5.0"}], False),
        ([{"introduced": "0"}, {"fixed": "1.5.1"}], True),
        ([{"introduced": "1.6"}], False),
        ([{"introduced": "1.0"}, {"last_affected": "1.5.0"}], True),
        ([{"introduced": "1.0"}, {"last_affected": "1.4.9"}], False),
        ([{"introduced": "1.5.0rc1"}, {"fixed": "1.5"}], False),
        ([{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "1.4"}, {"fixed": "2"}], True),
    ],
)
def test_a_version_inside_a_range_is_found_and_one_outside_is_not(events, hit):
    assert bool(found(advisory(1, events=events))) is hit


@pytest.mark.verifies("SRS-EVID-039")
def test_names_are_compared_in_their_canonical_form_and_versions_by_name():
    assert found(advisory(1, name="Some.Package", versions=["1.5.0"]), advisory(2, versions=["1.4"])) == [
        ("Some_Package", "PYSEC-1")
    ]


@pytest.mark.verifies("SRS-EVID-039")
def test_withdrawn_and_foreign_advisories_do_not_count_and_what_cannot_be_compared_does():
    everything = [{"introduced": "0"}]
    assert found(advisory(1, events=everything, withdrawn="2026-02-01T00:00:00Z")) == []
    assert found(advisory(1, events=everything, ecosystem="npm")) == []
    assert found(advisory(1, name="odd", events=everything)) == [("odd", "PYSEC-1")]


@pytest.mark.verifies("SRS-EVID-039")
def test_json_of_each_form_and_a_zip_archive_are_read_alike():
    one, two = advisory(1, events=[{"introduced": "0"}]), advisory(2, name="other", versions=["2.0"])
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a.json", json.dumps(one))
        packed.writestr("b.json", json.dumps(two))
        packed.writestr("readme.txt", "no advisory")
    forms = [json.dumps([one, two]).encode(), json.dumps({"vulns": [one, two]}).encode(), archive.getvalue()]
    read = [read_advisories(form, where="a") for form in forms]
    assert read[0] == read[1] == read[2]
    assert len(read_advisories(json.dumps(one).encode(), where="a")) == 1


@pytest.mark.verifies("SRS-EVID-039")
def test_the_record_names_file_hash_date_and_findings():
    content = json.dumps([advisory(3, versions=["1.5.0"])]).encode()
    record = json.loads(audit_json(content, PACKAGES, where="osv.json", time="2026-11-27T00:00:00+00:00"))
    assert record["database"].startswith("osv.json, SHA-256 ")
    assert (record["database_date"], record["components"], record["count"]) == ("2026-01-03T00:00:00Z", 3, 1)
    assert record["findings"] == [
        {"component": "Some_Package", "version": "1.5.0", "id": "PYSEC-3", "kev": "not stated in the file"}
    ]


@pytest.mark.verifies("SRS-EVID-039")
@pytest.mark.parametrize("content", [b"no json", b"3", b'[{"affected": []}]', b"PK\x03\x04 no archive"])
def test_a_file_of_another_form_is_refused(content):
    with pytest.raises(EvidenceInputError, match="advisory file cannot be read"):
        read_advisories(content, where="a.json")
