"""Everything that documents are written from, entered in the book of sources once and in a fixed order."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from lungai_core.errors import EvidenceInputError
from lungai_core.evidence.fields import Field, Text, declared, derived
from lungai_core.evidence.project import code_inventory, history_json
from lungai_core.evidence.sbom import components, cyclonedx_json, read_soup, read_vendored, validate_cyclonedx
from lungai_core.evidence.sources import JsonRecord, SourceBook, parse, resolve
from lungai_core.evidence.studies import read_study
from lungai_core.trace.matrix import matrix_csv, matrix_json
from lungai_core.trace.record import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lungai_core.evidence.project import Project
    from lungai_core.evidence.register import Gap, Register
    from lungai_core.evidence.regulations import Regulations
    from lungai_core.evidence.sbom import Component
    from lungai_core.evidence.studies import Study
    from lungai_core.trace.items import Item

__all__ = ["TOOL", "Inputs", "Material", "gather"]

TOOL = f"lungai-core {version('lungai-core')}"
SOUP_LIST = "design/soup.toml"
# Records that other tools leave in the folder of inputs, and what makes each.
_RECORDS = (
    ("coverage", "coverage.json", "`coverage json` after the recorded run"),
    ("static", "static.json", "`lungai evidence measure`"),
    ("advisories", "advisories.json", "`lungai evidence audit` with an advisory file"),
    ("fuzz", "fuzz.json", "the fuzz tests of the recorded run, with their counts"),
    ("phantoms", "PHANTOM_cases.json", "`lungai evidence phantoms`"),
    ("battery", "battery.json", "`lungai evidence battery`"),
    ("tool", "tool_validation.json", "`lungai trace validate-tool`"),
    ("release", "release.json", "the release step: version, commit and time of what is released"),
    ("attestation", "attestation.json", "a signed statement of who tested"),
)
_MODEL = (
    "model",
    "model.json",
    "the release step: name, hash and version of the model, or the project's pack",
)
# What the folder of a model pack holds, by key of the record.
_PACK = (
    ("card", "card.json", "the model card of the pack"),
    ("contract", "contract.json", "the contract of the pack"),
    ("training", "training_record.json", "the training record of the pack"),
    ("evaluation", "evaluation.json", "the out-of-fold evaluation of the pack"),
)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the inputs of a document set stand.

    :implements: SRS-EVID-003, SDS-EVID-010

    Parameters
    ----------
    folder
        With the records of other tools under the names that the manual lists; ``None`` if there are none.
    studies
        Records of the schema ``lungai-study/1`` are read from the sub-folder ``studies``.
    """

    folder: Path | None = None

    def read(self, name: str, /) -> bytes | None:
        """Return the bytes of a record, or nothing where it is absent.

        :implements: SRS-EVID-003, SDS-EVID-010

        Parameters
        ----------
        name
            The file's name.
        """
        path = self.folder / name if self.folder else None
        return path.read_bytes() if path and path.is_file() else None

    @property
    def studies(self) -> tuple[Path, ...]:
        """The records of studies, sorted by name."""
        return tuple(sorted((self.folder / "studies").glob("*.json"))) if self.folder else ()


@dataclass(slots=True)
class Material:
    """The inputs of one document set, with their sources.

    :implements: SRS-EVID-001, SDS-EVID-010

    Parameters
    ----------
    project, regulations
        What the set is about, and what is asked for.
    book, register, gaps
        Grow while documents are written.
    run, matrix, git, code, sbom
        The records that always exist.
    others
        Records of other tools, by key; those that are absent answer NOT MEASURED.
    parts
        The bill of materials.
    studies
        Accepted studies, sorted by identifier.
    """

    project: Project
    regulations: Regulations
    book: SourceBook
    register: Register
    run: JsonRecord
    matrix: JsonRecord
    git: JsonRecord
    code: JsonRecord
    sbom: JsonRecord
    others: Mapping[str, JsonRecord]
    parts: tuple[Component, ...]
    studies: tuple[Study, ...]
    study_records: Mapping[str, JsonRecord]
    soup: str
    gaps: list[Gap] = field(default_factory=list)

    def tracked(self, path: str, /) -> str:
        """Enter a file of the project as a source, and return its identifier.

        :implements: SRS-EVID-001, SDS-EVID-010

        Parameters
        ----------
        path
            Relative to the project's root.
        """
        commit, time = self.project.history.last_change.get(path, ("", ""))
        return self.book.tracked(path, (self.project.root / path).read_bytes(), commit=commit, time=time)

    def text_of(self, item: Item, /) -> Field:
        """Return an item's text in both languages, declared by its file.

        :implements: SRS-EVID-001, SDS-EVID-010

        Parameters
        ----------
        item
            Of the project.
        """
        chinese = item.text_zh or item.text
        return declared(Text(item.text, chinese), source=self.tracked(item.place.path))

    def declared_here(self, item: Item, text: str, /) -> Field:
        """Return another text of an item, such as its title, declared by its file.

        :implements: SRS-EVID-001, SDS-EVID-010

        Parameters
        ----------
        item
            Of the project.
        text
            As it stands there.
        """
        return declared(text, source=self.tracked(item.place.path))

    def count(self, name: str, note: str, subjects: Iterable[object], /, *, inputs: tuple[str, ...]) -> Field:
        """Return a number of things, derived by counting them.

        :implements: SRS-EVID-001, SDS-EVID-010

        Parameters
        ----------
        name, note
            Of the formula.
        subjects
            What is counted.
        inputs
            The sources that were counted in.
        """
        return self.compute(name, note, sum(1 for _ in subjects), inputs=inputs)

    def compute(self, name: str, note: str, value: Text | object, /, *, inputs: tuple[str, ...]) -> Field:
        """Return a value derived by a named formula.

        :implements: SRS-EVID-001, SDS-EVID-010

        Parameters
        ----------
        name, note
            Of the formula.
        value
            Its result.
        inputs
            What it reads.
        """
        return derived(value, sources=(self.book.formula(name, note, inputs=inputs),))

    def data(self, name: str, /) -> str:
        """Return the identifier of a file of outline data.

        :implements: SRS-EVID-009, SDS-EVID-010

        Parameters
        ----------
        name
            Such as ``outlines.json``.
        """
        content = dict(self.regulations.data)[name]
        return self.book.record(f"profiles/{name}", content, tool=TOOL, time="", note="what the authorities ask for")


def gather(
    project: Project, /, *, regulations: Regulations, register: Register, book: SourceBook, inputs: Inputs
) -> Material:
    """Read all inputs of a document set, and enter them in the book.

    :implements: SRS-EVID-001, SRS-EVID-003, SRS-EVID-004, SDS-EVID-010

    Parameters
    ----------
    project
        With its run record.
    regulations
        What is asked for.
    register, book
        To be filled.
    inputs
        Records of other tools.

    Raises
    ------
    EvidenceInputError
        If a record cannot be read, or the counts of the run record do not agree with its results.
    StudyRefusedError
        If a study could mislead.
    """
    run, time = project.run, project.run.started
    _reconcile(project)
    run_id = book.record("run/record.json", project.record_bytes, tool=run.tool, time=time, note="the run record")
    matrix = matrix_json(project.matrix).encode()
    matrix_id = book.record("trace/matrix.json", matrix, tool=TOOL, time=time, note="the trace matrix")
    book.record("trace/matrix.csv", matrix_csv(project.matrix).encode(), tool=TOOL, time=time, note="the trace matrix")
    git = history_json(project.history).encode()
    git_id = book.record(
        "git/history.json", git, tool=project.history.tool, time=project.history.time, note="version history"
    )
    code = _json({"files": code_inventory(project)})
    code_id = book.record("code/files.json", code, tool=TOOL, time=project.history.time, note="source files")
    soup_bytes = (project.root / SOUP_LIST).read_bytes() if (project.root / SOUP_LIST).is_file() else b"package = []"
    parts = components(project, soup=read_soup(soup_bytes, where=SOUP_LIST))
    parts += read_vendored(soup_bytes, where=SOUP_LIST)
    bill = cyclonedx_json(project, parts)
    validate_cyclonedx(bill)
    sbom_id = book.record("sbom/sbom.cdx.json", bill.encode(), tool=TOOL, time=time, note="CycloneDX bill of materials")
    tracked_studies = sorted((project.root / project.studies).glob("*.json")) if project.studies else []
    studies = tuple(read_study(path.read_bytes(), where=path.name) for path in (*tracked_studies, *inputs.studies))
    pack = {key: _of_pack(book, project, name, how) for key, name, how in _PACK}
    material = Material(
        project=project,
        regulations=regulations,
        book=book,
        register=register,
        run=JsonRecord(run_id, json.loads(project.record_bytes)),
        matrix=JsonRecord(matrix_id, json.loads(matrix)),
        git=JsonRecord(git_id, json.loads(git)),
        code=JsonRecord(code_id, json.loads(code)),
        sbom=JsonRecord(sbom_id, json.loads(bill)),
        others={
            **{key: _other(book, inputs, key, name, how) for key, name, how in _RECORDS},
            **pack,
            "model": _model(book, project, inputs, pack=pack),
        },
        parts=parts,
        studies=tuple(sorted(studies, key=lambda study: study.study_id)),
        study_records={study.study_id: _study(book, study) for study in studies},
        soup="",
    )
    if (project.root / SOUP_LIST).is_file():
        material.soup = material.tracked(SOUP_LIST)
    return material


def _reconcile(project: Project, /) -> None:
    stated = json.loads(project.record_bytes)["counts"]
    counted = {str(outcome): number for outcome, number in project.run.counts}
    if stated != counted or sum(counted.values()) != len(project.run.results):
        differing = sorted(key for key in counted if stated.get(key) != counted[key])
        raise EvidenceInputError(
            "The counts of the run record do not agree with its results.",
            where=", ".join(differing) or "the sum",
            allowed=f"{len(Outcome)} separate counts that add up to the number of results",
            remedy="Run the tests again; a record is never edited.",
        )


def _other(book: SourceBook, inputs: Inputs, key: str, name: str, how: str, /) -> JsonRecord:
    content = inputs.read(name)
    if content is None:
        return JsonRecord(book.absent(name, f"expected from {how}"), None)
    try:
        parsed: Any = json.loads(content)
    except ValueError as error:
        raise EvidenceInputError(
            "A record in the folder of inputs is not JSON.",
            where=name,
            allowed="UTF-8 JSON",
            remedy=f"Make it again: {how}.",
        ) from error
    tool, time = _origin(key, parsed)
    return JsonRecord(book.record(f"inputs/{name}", content, tool=tool, time=time, note=how), parsed)


def _of_pack(book: SourceBook, project: Project, name: str, how: str, /) -> JsonRecord:
    path = project.root / project.model / name
    if not project.model or not path.is_file():
        return JsonRecord(book.absent(f"model/{name}", f"expected from {how}"), None)
    content = path.read_bytes()
    parsed: Any = parse(content, where=name)
    time = str(parsed.get("finished_at", "")) if isinstance(parsed, dict) else ""
    return JsonRecord(book.record(f"model/{name}", content, tool="", time=time, note=how), parsed)


def _model(book: SourceBook, project: Project, inputs: Inputs, /, *, pack: Mapping[str, JsonRecord]) -> JsonRecord:
    """Read which model is released, or take name, hash and end of training of the pack that stands in the project."""
    network = project.root / project.model / "model.onnx"
    if inputs.read(_MODEL[1]) is not None or not project.model or not network.is_file():
        return _other(book, inputs, *_MODEL)
    manifest = network.with_name("MANIFEST.sha256")
    stated = {
        "name": resolve(pack["card"].content, "/model_name"),
        "sha256": _sha256(network),
        "pack_sha256": _sha256(manifest) if manifest.is_file() else None,
        "time": resolve(pack["training"].content, "/finished_at"),
    }
    content = _json({key: value for key, value in stated.items() if value})
    note = f"{project.model}: hashes of model.onnx and MANIFEST.sha256, name in the card, end of the training"
    source = book.record("model/model.json", content, tool=TOOL, time=project.history.time, note=note)
    return JsonRecord(source, json.loads(content))


def _sha256(path: Path, /) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _origin(key: str, parsed: Any, /) -> tuple[str, str]:  # noqa: ANN401  any JSON
    if not isinstance(parsed, dict):
        return "", ""
    if key == "coverage":
        meta = parsed.get("meta", {})
        return f"coverage {meta.get('version', '')}".strip(), str(meta.get("timestamp", ""))
    if key == "tool":
        return f"lungai trace {parsed.get('version', '')}".strip(), str(parsed.get("day", ""))
    return str(parsed.get("tool", "")), str(parsed.get("time", ""))


def _study(book: SourceBook, study: Study, /) -> JsonRecord:
    path = PurePosixPath("studies") / f"{study.study_id}_{study.nature}.json"
    source = book.record(
        str(path),
        study.record_bytes,
        tool=str(study.content["tool"]),
        time=study.started,
        note=f"study on {study.nature} cases",
    )
    return JsonRecord(source, dict(study.content))


def _json(content: object, /) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
