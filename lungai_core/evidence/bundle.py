"""A whole document set: gathered, written, rendered, put into the trees, listed in a manifest, signed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lungai_core.errors import EvidenceInputError
from lungai_core.evidence.document import fields_of
from lungai_core.evidence.documents import write_documents
from lungai_core.evidence.fields import Language
from lungai_core.evidence.index import index_html
from lungai_core.evidence.layout import Edition, file_name
from lungai_core.evidence.manifest import MANIFEST, SIGNATURE, VALUES, check_names, manifest_json, manifest_statement
from lungai_core.evidence.material import Inputs, gather
from lungai_core.evidence.outline import checklist_csv
from lungai_core.evidence.register import Register, gaps_csv, read_manufacturer_file
from lungai_core.evidence.regulations import Authority, load_regulations
from lungai_core.evidence.render_docx import docx_bytes
from lungai_core.evidence.render_pdf import PdfRenderer
from lungai_core.evidence.render_xlsx import tables_in, xlsx_bytes
from lungai_core.evidence.seal import open_envelope, seal
from lungai_core.evidence.sources import SourceBook
from lungai_core.evidence.trees import TREE_LANGUAGE, places_of, study_data_folder
from lungai_core.files import new_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from lungai_core.evidence.document import Document, Drawing
    from lungai_core.evidence.material import Material
    from lungai_core.evidence.outline import Answer
    from lungai_core.evidence.project import Project
    from lungai_core.evidence.regulations import Regulations

__all__ = ["BuildOrder", "DraftSet", "SignedFile", "build", "draft"]

_XLSX_FROM_ROWS = 12


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A manufacturer file with its signature and the key that is trusted.

    :implements: SRS-EVID-018, SDS-EVID-023

    Parameters
    ----------
    content, envelope
        The TOML file and the DSSE envelope over its hash.
    public_key
        PEM.
    name
        Of the file, for messages.
    """

    content: bytes
    envelope: bytes
    public_key: bytes
    name: str


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """What to build, and what of.

    :implements: SRS-EVID-034, SDS-EVID-023

    Parameters
    ----------
    profiles
        The trees.
    inputs
        Records of other tools.
    manufacturer
        What the manufacturer signed.
    private_key
        PEM that signs the manifest; without one the set is not signed.
    release
        Refuse while a placeholder is open.
    regulations
        Another edition of the outlines; the package's own if absent.
    """

    profiles: tuple[Authority, ...] = tuple(Authority)
    inputs: Inputs = field(default_factory=Inputs)
    manufacturer: SignedFile | None = None
    private_key: bytes | None = None
    release: bool = False
    regulations: Regulations | None = None


@dataclass(frozen=True, slots=True)
class DraftSet:
    """A document set that has been written and not yet rendered.

    :implements: SRS-EVID-034, SDS-EVID-023

    Parameters
    ----------
    material
        What it was written from, with register and gaps.
    documents, answers
        What was written.
    edition
        Of the component.
    """

    material: Material
    documents: tuple[Document, ...]
    answers: Mapping[str, Answer]
    edition: Edition


def draft(project: Project, /, *, order: BuildOrder) -> DraftSet:
    """Write all documents of a set as values, without rendering them.

    :implements: SRS-EVID-001, SRS-EVID-018, SRS-EVID-034, SDS-EVID-023

    Parameters
    ----------
    project
        With its test run.
    order
        What to build.

    Raises
    ------
    OpenPlaceholdersError
        If a release is asked for and a placeholder is open.
    SignatureError
        If the manufacturer file is not signed with the trusted key.
    """
    book, register = SourceBook(), Register()
    if order.manufacturer:
        _check_signed(order.manufacturer)
        source = book.record(
            "manufacturer/manufacturer.toml",
            order.manufacturer.content,
            tool="",
            time="",
            note="signed by the manufacturer",
        )
        register.given = read_manufacturer_file(
            order.manufacturer.content, source=source, where=order.manufacturer.name
        )
    material = gather(
        project,
        regulations=order.regulations or load_regulations(),
        register=register,
        book=book,
        inputs=order.inputs,
    )
    documents, answers = write_documents(material)
    if order.release:
        register.require_closed()
    commit, time = project.run.commit, project.history.time or project.run.started
    return DraftSet(material, documents, answers, Edition(project.name, project.version, commit, time))


def build(
    project: Project, folder: Path, /, *, order: BuildOrder, progress: Callable[[str], None] = lambda _: None
) -> DraftSet:
    """Build a document set into a new folder. The same input gives the same bytes.

    :implements: SRS-EVID-019, SRS-EVID-021, SRS-EVID-022, SRS-EVID-023, SRS-EVID-034, SDS-EVID-023

    Parameters
    ----------
    project
        With its test run.
    folder
        Must not exist, or be empty.
    order
        What to build.
    progress
        Is told the name of each document before it is rendered.

    Returns
    -------
    DraftSet
        What was written.

    Raises
    ------
    LungaiError
        Whatever :func:`draft` raises, and the errors of the renderers and of the output folder.
    """
    made = draft(project, order=order)
    with new_folder(folder) as target:
        files: dict[str, bytes] = {}
        for path, content in _files(made, order, progress):
            files[path] = content
            write_whole(target / path, content)
        _require_names(files)
        manifest = manifest_json(
            files, sources=made.material.book.sources, edition=made.edition, profiles=tuple(map(str, order.profiles))
        )
        write_whole(target / MANIFEST, manifest)
        if order.private_key:
            write_whole(target / SIGNATURE, seal(manifest_statement(manifest), private_key=order.private_key))
    return made


def _files(made: DraftSet, order: BuildOrder, progress: Callable[[str], None], /) -> Iterator[tuple[str, bytes]]:
    material = made.material
    yield from sorted(material.book.files.items())
    gaps = tuple(material.gaps)
    yield "GAPS.csv", gaps_csv(gaps).encode()
    yield "TBC_register.csv", material.register.csv().encode()
    yield "CHECKLIST.csv", checklist_csv(made.answers).encode()
    results = _results_csv(material.project).encode()
    yield "evidence/run/results.csv", results
    yield VALUES, _values_json(made.documents).encode()
    page = index_html(made.documents, answers=made.answers, register=material.register, gaps=gaps, edition=made.edition)
    yield "index.html", page.encode()
    renderer = PdfRenderer()
    artefacts = {each.artefact_id: each for each in material.regulations.artefacts}
    run = material.project.run
    campaign = f"{run.commit[:7] or 'nocommit'}_{run.started[:10].replace('-', '')}"
    if Authority.NMPA in order.profiles:
        data = study_data_folder(regulations=material.regulations, campaign=campaign)
        yield f"{data}/results.csv", results
        for study in material.studies:
            yield f"{data}/{study.study_id}_{study.nature.upper()}.json", study.record_bytes
    for document in made.documents:
        progress(document.stem)
        rendered = dict(_rendered(document, made.edition, renderer))
        yield from (
            (f"documents/{name.rsplit('.', 1)[0].rsplit('_', 1)[-1]}/{name}", content)
            for name, content in rendered.items()
        )
        for authority in order.profiles:
            name = file_name(document, language=TREE_LANGUAGE[authority], ending="pdf")
            places = places_of(
                artefacts[document.artefact], authority, regulations=material.regulations, campaign=campaign
            )
            for place in places:
                yield f"{place}/{name}", rendered[name]


def _rendered(document: Document, edition: Edition, renderer: PdfRenderer, /) -> Iterator[tuple[str, bytes]]:
    for language in Language:

        def picture(drawing: Drawing, language: Language = language) -> bytes:
            return renderer.png(drawing, language=language)

        yield (
            file_name(document, language=language, ending="pdf"),
            renderer.pdf(document, language=language, edition=edition),
        )
        content = docx_bytes(document, language=language, edition=edition, picture=picture)
        yield file_name(document, language=language, ending="docx"), content
        if max((len(table.rows) for table in tables_in(document)), default=0) >= _XLSX_FROM_ROWS:
            sheet = xlsx_bytes(document, language=language, edition=edition)
            yield file_name(document, language=language, ending="xlsx"), sheet


def _values_json(documents: tuple[Document, ...], /) -> str:
    values = [
        {
            "document": document.stem,
            "state": str(each.state),
            "en": each.text.en,
            "sources": each.sources,
            **({"pointer": each.pointer} if each.pointer else {}),
        }
        for document in documents
        for each in fields_of(document)
    ]
    lines = ",\n".join(json.dumps(value, ensure_ascii=False, sort_keys=True) for value in values)
    return f'{{"schema": "lungai-evidence-values/1", "values": [\n{lines}\n]}}\n'


def _results_csv(project: Project, /) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ("test_case", "verifies", "outcome", "attempts", "seconds", "commit", "date", "tool", "environment_sha256")
    )
    run = project.run
    for result in run.results:
        seconds = f"{sum(attempt.duration_s for attempt in result.attempts):.3f}"
        about = (run.commit, run.started, run.tool, run.environment.sha256)
        writer.writerow(
            (result.node_id, " ".join(result.verifies), result.outcome, len(result.attempts), seconds, *about)
        )
    return text.getvalue()


def _check_signed(signed: SignedFile, /) -> None:

    said = open_envelope(signed.envelope, public_key=signed.public_key, where=signed.name)
    digests = {each["digest"]["sha256"] for each in said["subject"]}
    if hashlib.sha256(signed.content).hexdigest() not in digests:
        raise EvidenceInputError(
            "The manufacturer file is not the one that was signed.",
            where=signed.name,
            allowed="the bytes that the signature names",
            remedy="Sign the present file with `lungai evidence sign`, or restore the signed one.",
        )


def _require_names(files: Mapping[str, bytes], /) -> None:
    problems = list(check_names({path: {"bytes": len(content)} for path, content in files.items()}))
    if problems:
        raise EvidenceInputError(
            f"A file of the set has an unfit name: {problems[0].message}.",
            where=problems[0].path,
            allowed="names that an electronic copy may have",
            remedy="Correct the file stem in the artefact map.",
        )
