"""The changes of the battery: each a function on a copy of the sample project, of its records, or of a finished set."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from lungai_core.evidence.sample import commit_all
from lungai_core.evidence.seal import seal, statement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["INPUT_MUTATIONS", "SET_MUTATIONS", "Mutation", "Stage", "write_inputs"]

_LATER = "2026-01-06T09:00:00+00:00"
_MUCH_LATER = "2036-01-06T09:00:00+00:00"
_AUTHOR = "author@example.invalid"


class Stage(StrEnum):
    INPUTS = "inputs"
    RERUN = "inputs, tests run again"
    SET = "finished set"


@dataclass(frozen=True, slots=True)
class Mutation:
    """A change, and a word that must stand in what is said about it."""

    name: str
    stage: Stage
    apply: Callable[[Path], None]
    expected: str


def write_inputs(folder: Path, /, *, private_key: bytes) -> None:
    """Write records of other tools and a signed manufacturer file beside the sample project."""
    head = json.loads((folder / "project/build/trace/record.json").read_text(encoding="utf-8"))["commit"]
    release = {"version": "1.2.3", "commit": head, "time": _MUCH_LATER, "archive_sha256": "0" * 64}
    _write(folder / "inputs/release.json", release)
    _write(folder / "inputs/model.json", {"name": "sample", "sha256": "a" * 64, "software_version": "1.2.3"})
    _write(folder / "inputs/attestation.json", {"tester": "Another Person", "email_sha256": "0" * 64})
    _write(folder / "inputs/studies/phantom.json", _STUDY)
    manufacturer = folder / "manufacturer.toml"
    manufacturer.write_text('[fields]\n"common.device" = "Sample device"\n', encoding="utf-8")
    digest = hashlib.sha256(manufacturer.read_bytes()).hexdigest()
    said = statement({manufacturer.name: digest}, predicate_type="urn:lungai-core:signed-file:1", predicate={})
    (folder / "manufacturer.toml.dsse.json").write_bytes(seal(said, private_key=private_key))


_STUDY: dict[str, Any] = {
    "schema": "lungai-study/1",
    "study_id": "phantom_diameter",
    "title_en": "Diameter of phantom nodules",
    "title_zh": "体模结节的直径",
    "nature": "phantom",
    "artefact": "bench_report",
    "started": _MUCH_LATER,
    "protocol": "requirements/protocols.md",
    "match_rule": "centre within the true ball",
    "tool": "sample",
    "data": {
        "name": "generated balls",
        "version": "1",
        "licence": "Apache-2.0",
        "split_sha256": "0" * 64,
        "reference_standard": "the numbers the balls were made with",
        "readers": "none: generated",
    },
    "cases": [{"id": f"c{number}", "patient": f"p{number}", "lesions": 1} for number in range(3)],
    "metrics": [
        {
            "name_en": "Mean absolute error",
            "name_zh": "平均绝对误差",
            "value": 0.4,
            "unit": "mm",
            "ci_low": 0.3,
            "ci_high": 0.5,
            "ci_method": "bootstrap",
            "n": 3,
            "n_unit": "lesion",
        }
    ],
}


def _write(path: Path, content: object, /) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _edit_text(folder: Path, /, *, path: str, old: str, new: str, commit: str = "") -> None:
    file = folder / path
    text = file.read_text(encoding="utf-8")
    if old not in text:
        raise AssertionError(path)
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    if commit:
        commit_all(folder / "project", "Change one thing", when=commit)


def _edit_json(folder: Path, /, *, path: str, change: Callable[[Any], None]) -> None:
    content = json.loads((folder / path).read_text(encoding="utf-8"))
    change(content)
    _write(folder / path, content)


def _set(*keys: str | int, to: object) -> Callable[[Any], None]:
    def change(content: Any) -> None:  # noqa: ANN401  any JSON
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = to

    return change


def _remove_section(folder: Path, /, *, path: str, heading: str) -> None:
    text = (folder / path).read_text(encoding="utf-8")
    before, _, rest = text.partition(heading)
    after = rest.partition("\n## ")[2]
    (folder / path).write_text(before + (f"## {after}" if after else ""), encoding="utf-8")
    commit_all(folder / "project", "Remove one item", when=_LATER)


def _unlink(folder: Path, /, *, path: str, commit: bool) -> None:
    (folder / path).unlink()
    if commit:
        commit_all(folder / "project", "Remove a file", when=_LATER)


_TESTS = "project/tests/unit/test_measure.py"
_REFUSED = "def test_a_volume_of_nothing_is_refused"
_MARK = '@pytest.mark.verifies("SRS-002", "RC-001")\n'
_RECORD = "project/build/trace/record.json"


def _text(  # noqa: PLR0913  a row of the table below
    name: str, expected: str, /, *, path: str, old: str, new: str, rerun: bool = False, commit: str = ""
) -> Mutation:
    stage = Stage.RERUN if rerun else Stage.INPUTS
    return Mutation(name, stage, partial(_edit_text, path=path, old=old, new=new, commit=commit), expected)


def _json(name: str, expected: str, /, path: str, change: Callable[[Any], None]) -> Mutation:
    return Mutation(name, Stage.INPUTS, partial(_edit_json, path=path, change=change), expected)


INPUT_MUTATIONS = (
    _text(
        "skip a test",
        "RC-001",
        path=_TESTS,
        old=_REFUSED,
        new=f"@pytest.mark.skip\n{_REFUSED}",
        rerun=True,
        commit=_LATER,
    ),
    _text(
        "expect a test to fail",
        "RC-001",
        path=_TESTS,
        old=f"{_REFUSED}():",
        new=f"@pytest.mark.xfail(strict=False)\n{_REFUSED}():\n    assert False",
        rerun=True,
        commit=_LATER,
    ),
    _text(
        "break the code under test",
        "SRS-001",
        path="project/sample/measure.py",
        old="6 *",
        new="7 *",
        rerun=True,
        commit=_LATER,
    ),
    _text("take the marker off a test", "RC-001", path=_TESTS, old=_MARK, new="", rerun=True, commit=_LATER),
    Mutation("remove a test file", Stage.RERUN, partial(_unlink, path=_TESTS, commit=True), "SRS-002"),
    _text(
        "run the tests on uncommitted code",
        "uncommitted",
        path="project/sample/measure.py",
        old="Measures.",
        new="Measure.",
        rerun=True,
    ),
    _text(
        "edit a source file after the run", "STALE", path="project/sample/measure.py", old="Measures.", new="Measure."
    ),
    _text(
        "edit a requirement after the run", "STALE", path="project/requirements/software.md", old="0.1 mm", new="0.5 mm"
    ),
    _text(
        "commit after the run",
        "STALE",
        path="project/sample/measure.py",
        old="Measures.",
        new="Measure.",
        commit=_LATER,
    ),
    _text(
        "widen a criterion after the run",
        "post-hoc",
        path="project/requirements/protocols.md",
        old="0.1 mm",
        new="0.9 mm",
        commit=_MUCH_LATER,
    ),
    _json("raise a count in the run record", "LAI-EVID-001", _RECORD, _set("counts", "passed", to=5)),
    _json("turn an outcome in the run record", "LAI-EVID-001", _RECORD, _set("results", 0, "outcome", to="failed")),
    _json("drop a result from the run record", "LAI-EVID-001", _RECORD, lambda record: record["results"].pop()),
    _json(
        "call a partial run complete: drop the flag",
        "partial",
        _RECORD,
        lambda record: record.update(complete=False, incomplete_because=["-k"]),
    ),
    _json("drop a case of a study", "LAI-EVID-006", "inputs/studies/phantom.json", lambda study: study["cases"].pop()),
    _json(
        "move a result out of its interval",
        "LAI-EVID-006",
        "inputs/studies/phantom.json",
        _set("metrics", 0, "value", to=0.1),
    ),
    _json(
        "take the licence off a data card",
        "LAI-EVID-006",
        "inputs/studies/phantom.json",
        _set("data", "licence", to=""),
    ),
    _json(
        "put phantom results into the clinical report",
        "LAI-EVID-006",
        "inputs/studies/phantom.json",
        _set("artefact", to="clinical_report"),
    ),
    _json(
        "start a study before its protocol",
        "post-hoc",
        "inputs/studies/phantom.json",
        _set("started", to="2020-01-01T00:00:00+00:00"),
    ),
    _json(
        "swap the model for one of another version",
        "version",
        "inputs/model.json",
        _set("software_version", to="0.9.0"),
    ),
    _json("release another commit", "version", "inputs/release.json", _set("commit", to="f" * 40)),
    _json(
        "release before the tests ran", "post-hoc", "inputs/release.json", _set("time", to="2026-01-05T09:30:00+00:00")
    ),
    _text("change the declared version", "version", path="project/pyproject.toml", old="1.2.3", new="1.2.4"),
    _json(
        "let an author attest the tests",
        "independence",
        "inputs/attestation.json",
        _set("email_sha256", to=hashlib.sha256(_AUTHOR.encode()).hexdigest()),
    ),
    Mutation(
        "remove a risk control",
        Stage.INPUTS,
        partial(_remove_section, path="project/risk/hazards.md", heading="## RC-001"),
        "RC-001",
    ),
    Mutation(
        "remove a requirement",
        Stage.INPUTS,
        partial(_remove_section, path="project/requirements/software.md", heading="## SRS-002"),
        "SRS-002",
    ),
    _text(
        "claim in a hazard",
        "LAI-EVID-003",
        path="project/risk/hazards.md",
        old="A nodule is",
        new="The effective device is certified and a nodule is",
    ),
    _text(
        "name a predicate in a need",
        "LAI-EVID-003",
        path="project/risk/hazards.md",
        old="A nodule is",
        new="As in K123456, a nodule is",
    ),
    _text(
        "drop a paragraph of a translation",
        "LAI-EVID-001",
        path="project/design/development.zh.md",
        old="每次变更为一个提交,同时包含其需求、代码和测试。\n",
        new="",
    ),
    _text(
        "edit the manufacturer file after signing",
        "LAI-EVID-001",
        path="manufacturer.toml",
        old="Sample device",
        new="Other device",
    ),
)


def _append(folder: Path, /, *, path: str, content: bytes) -> None:
    (folder / path).write_bytes((folder / path).read_bytes() + content)


def _flip(folder: Path, /, *, path: str) -> None:
    content = bytearray((folder / path).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / path).write_bytes(bytes(content))


def _drop_line(folder: Path, /, *, path: str) -> None:
    lines = (folder / path).read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / path).write_text("".join(lines[:1] + lines[2:]), encoding="utf-8")


def _swap(folder: Path, /, *, one: str, other: str) -> None:
    first, second = (folder / one).read_bytes(), (folder / other).read_bytes()
    (folder / one).write_bytes(second)
    (folder / other).write_bytes(first)


def _rename(folder: Path, /, *, path: str, to: str) -> None:
    (folder / path).rename(folder / to)


def _forge(folder: Path, /, *, path: str, old: bytes, new: bytes) -> None:
    """Edit a file and make the manifest agree with it: only the signature or the record can tell."""
    content = (folder / path).read_bytes().replace(old, new, 1)
    (folder / path).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][path] = {"sha256": digest, "bytes": len(content)}
    for source in manifest["sources"].values():
        if source.get("path") == path:
            source["sha256"] = digest
    _write(folder / "manifest.json", manifest)


_PDF = "documents/en/040_Software_Requirements_Specification_en.pdf"
_SBOM = "evidence/sbom/sbom.cdx.json"


def _of_set(name: str, expected: str, apply: Callable[[Path], None], /) -> Mutation:
    return Mutation(name, Stage.SET, apply, expected)


SET_MUTATIONS = (
    _of_set("flip one bit of a PDF", _PDF, partial(_flip, path=_PDF)),
    _of_set("append to a DOCX", "040_Software", partial(_append, path=_PDF.replace(".pdf", ".docx"), content=b" ")),
    _of_set("flip one bit of a spreadsheet", "xlsx", partial(_flip, path="documents/en/203_SBOM_en.xlsx")),
    _of_set("edit the first page", "index.html", partial(_append, path="index.html", content=b"<p>approved</p>")),
    _of_set(
        "delete a report",
        "missing",
        partial(_unlink, path="documents/zh/081_Verification_Summary_zh.pdf", commit=False),
    ),
    _of_set("add a file", "added", partial(_rename, path="GAPS.csv", to="NO_GAPS.csv")),
    _of_set("drop a row of the gaps", "GAPS.csv", partial(_drop_line, path="GAPS.csv")),
    _of_set("drop a row of the register", "TBC_register.csv", partial(_drop_line, path="TBC_register.csv")),
    _of_set("drop a row of the checklist", "CHECKLIST.csv", partial(_drop_line, path="CHECKLIST.csv")),
    _of_set(
        "remove a component from the bill of materials",
        _SBOM,
        partial(_edit_json, path=_SBOM, change=lambda bill: bill["components"].pop()),
    ),
    _of_set(
        "swap the reports of two documents",
        "changed",
        partial(_swap, one=_PDF, other="documents/en/031_Risk_Management_File_en.pdf"),
    ),
    _of_set(
        "change a value beside its record",
        "value",
        partial(_forge, path="values.json", old=b'"en": "4"', new=b'"en": "9"'),
    ),
    _of_set(
        "change a record and its hashes",
        "the record says",
        partial(_forge, path="evidence/run/record.json", old=b'"passed": 4', new=b'"passed": 9'),
    ),
    _of_set(
        "forge a file with its manifest",
        "signature",
        partial(_forge, path="index.html", old=b"not a medical device", new=b"a medical device"),
    ),
    _of_set("take the signature away", "not signed", partial(_unlink, path="manifest.dsse.json", commit=False)),
    _of_set(
        "break the signature",
        "LAI-EVID-005",
        partial(_edit_json, path="manifest.dsse.json", change=_set("signatures", 0, "sig", to="AAAA")),
    ),
)
