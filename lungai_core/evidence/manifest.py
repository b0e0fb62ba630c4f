"""The manifest of a document set: every file with its hash, every source; and the check of a set against it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lungai_core.errors import EvidenceInputError
from lungai_core.evidence.fields import shown
from lungai_core.evidence.seal import open_envelope, statement
from lungai_core.evidence.sources import parse, resolve
from lungai_core.files import sha256_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lungai_core.evidence.layout import Edition
    from lungai_core.evidence.sources import Source

__all__ = ["MANIFEST", "SIGNATURE", "VALUES", "Problem", "check_names", "manifest_json", "manifest_statement", "verify"]

MANIFEST = "manifest.json"
SIGNATURE = "manifest.dsse.json"
VALUES = "values.json"
SCHEMA = "lungai-evidence-manifest/1"
PREDICATE = "urn:lungai-core:evidence-manifest:1"
ECOPY_SIGNS = re.compile(r"[A-Za-z0-9_. -]+")
ECOPY_LENGTH = 125
ECOPY_BYTES = 50 * 1024 * 1024
_ECOPY_VOLUME = re.compile(r"VOL_\d{3}_[A-Za-z0-9_]+")
_ECOPY_FILE = re.compile(r"\d{3}_.+\.pdf")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is not as the manifest says.

    :implements: SRS-EVID-024, SDS-EVID-016

    Parameters
    ----------
    kind
        ``changed``, ``missing``, ``added``, ``signature``, ``source``, ``value``, ``name`` or ``register``.
    path
        The file.
    message
        What is wrong with it.
    """

    kind: str
    path: str
    message: str


def manifest_json(
    files: Mapping[str, bytes], /, *, sources: Mapping[str, Source], edition: Edition, profiles: tuple[str, ...]
) -> str:
    """Return the manifest of a set.

    :implements: SRS-EVID-022, SDS-EVID-016

    Parameters
    ----------
    files
        Content by path in the set, the manifest and its signature excepted.
    sources
        From the book.
    edition
        Of the component.
    profiles
        The trees that were built.
    """
    content = {
        "schema": SCHEMA,
        "component": edition.component,
        "version": edition.version,
        "commit": edition.commit,
        "time": edition.time,
        "profiles": profiles,
        "files": {
            path: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for path, data in sorted(files.items())
        },
        "sources": {key: _source(source) for key, source in sorted(sources.items())},
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def manifest_statement(manifest: str, /) -> bytes:
    """Return what is signed: an in-toto statement with every file of the set, and the manifest, as subjects.

    :implements: SRS-EVID-023, SDS-EVID-016

    Parameters
    ----------
    manifest
        From :func:`manifest_json`.
    """
    content = json.loads(manifest)
    subjects = {path: each["sha256"] for path, each in content["files"].items()}
    subjects[MANIFEST] = hashlib.sha256(manifest.encode()).hexdigest()
    said = {key: content[key] for key in ("component", "version", "commit", "time", "profiles")}
    return statement(subjects, predicate_type=PREDICATE, predicate=said)


def verify(folder: Path, /, *, public_key: bytes | None) -> tuple[Problem, ...]:
    """Compare a set with its manifest, its signature and its own records. Nothing but the folder is needed.

    :implements: SRS-EVID-024, SDS-EVID-016

    Parameters
    ----------
    folder
        A set from ``lungai evidence build``.
    public_key
        PEM of the key that must have signed it; ``None`` if authenticity is not asked for.

    Returns
    -------
    tuple of Problem
        Sorted; empty if the set is as it was built.

    Raises
    ------
    EvidenceInputError
        If the folder holds no manifest of this schema.
    """
    manifest = _read_manifest(folder)
    problems = [
        *_files(folder, manifest),
        *_sources(manifest),
        *_values(folder, manifest),
        *check_names(manifest["files"]),
    ]
    if public_key is not None:
        problems += _signature(folder, manifest, public_key)
    return tuple(sorted(set(problems)))


def check_names(files: Mapping[str, Mapping[str, Any]], /) -> Iterator[Problem]:
    """Check names and sizes under ``fda/`` against the rules for electronic copies, and all names for length.

    :implements: SRS-EVID-026, SDS-EVID-016

    Parameters
    ----------
    files
        Each with its number of ``bytes``, by path in the set.
    """
    for path, about in files.items():
        parts = path.split("/")
        if len(parts[-1]) > ECOPY_LENGTH:
            yield Problem("name", path, f"the file name has more than {ECOPY_LENGTH} signs")
        if parts[0] != "fda":
            continue
        if len(parts) != 3 or not _ECOPY_VOLUME.fullmatch(parts[1]):  # noqa: PLR2004  fda, volume, file
            yield Problem("name", path, "an FDA file stands directly in a folder VOL_001_Name")
        elif not _ECOPY_FILE.fullmatch(parts[2]) or not ECOPY_SIGNS.fullmatch(parts[2]):
            yield Problem(
                "name", path, "the name is not a three-digit prefix and letters, digits, dash, underscore .pdf"
            )
        if about["bytes"] > ECOPY_BYTES:
            yield Problem("name", path, "the file is larger than 50 MB")


def _read_manifest(folder: Path, /) -> Mapping[str, Any]:
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if content["schema"] == SCHEMA:
            return content
        cause: Exception | None = None
    except (OSError, ValueError, KeyError, TypeError) as error:
        cause = error
    raise EvidenceInputError(
        "The folder holds no readable manifest of a document set.",
        where=str(folder / MANIFEST),
        allowed=f"JSON of the schema {SCHEMA}",
        remedy="Name the folder that `lungai evidence build` wrote.",
    ) from cause


def _files(folder: Path, manifest: Mapping[str, Any], /) -> Iterator[Problem]:
    expected: Mapping[str, Mapping[str, Any]] = manifest["files"]
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or path.is_symlink()}
    for path in sorted(set(expected) - present):
        yield Problem("missing", path, "the manifest lists the file and it is not there")
    for path in sorted(present - set(expected) - {MANIFEST, SIGNATURE}):
        yield Problem("added", path, "the file is not in the manifest")
    for path in sorted(present & set(expected)):
        if (folder / path).is_symlink():
            yield Problem("changed", path, "the file was replaced by a link")
        elif sha256_file(folder / path) != expected[path]["sha256"]:
            yield Problem("changed", path, "its SHA-256 is not that of the manifest")


def _sources(manifest: Mapping[str, Any], /) -> Iterator[Problem]:
    for key, source in manifest["sources"].items():
        path = source.get("path", "")
        if path and manifest["files"].get(path, {}).get("sha256") != source["sha256"]:
            yield Problem("source", path, f"source {key} names a hash that the manifest's file list does not have")
        for name in source.get("inputs", []):
            if name not in manifest["sources"]:
                yield Problem("source", MANIFEST, f"formula {key} reads {name}, which is no source of the manifest")


def _values(folder: Path, manifest: Mapping[str, Any], /) -> Iterator[Problem]:
    """Read every measured value again from the record that it came from, and look up every token in the register."""
    try:
        values = json.loads((folder / VALUES).read_text(encoding="utf-8"))["values"]
        register = (folder / "TBC_register.csv").read_text(encoding="utf-8")
    except (OSError, ValueError, KeyError):
        return  # named as missing or changed already
    tokens = {row["token"] for row in csv.DictReader(io.StringIO(register))}
    records = _Records(folder)
    for value in values:
        home = value["document"]
        for source in value["sources"]:
            if source.startswith("TBC-") and source not in tokens:
                yield Problem("register", "TBC_register.csv", f"{source} in {home} has no row")
            elif not source.startswith("TBC-") and source not in manifest["sources"]:
                yield Problem("value", VALUES, f"a value in {home} names {source}, which is no source")
        source = manifest["sources"].get(value["sources"][0], {})
        if "pointer" in value and "path" in source:
            found = records.value(source["path"], value["pointer"])
            if found != value["en"]:
                says = f"the record says {found} where {home} says {value['en']} ({value['pointer']})"
                yield Problem("value", source["path"], says)


class _Records:
    """The records of a set, each read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parsed: dict[str, object] = {}

    def value(self, path: str, pointer: str, /) -> str:
        if path not in self.parsed:
            try:
                self.parsed[path] = parse((self.folder / path).read_bytes(), where=path)
            except (OSError, EvidenceInputError):
                self.parsed[path] = None
        return shown(resolve(self.parsed[path], pointer))


def _signature(folder: Path, manifest: Mapping[str, Any], public_key: bytes, /) -> Iterator[Problem]:
    path = folder / SIGNATURE
    if not path.is_file():
        yield Problem("signature", SIGNATURE, "the set is not signed")
        return
    said = open_envelope(path.read_bytes(), public_key=public_key, where=str(path))
    signed = {each["name"]: each["digest"]["sha256"] for each in said["subject"]}
    expected = {name: each["sha256"] for name, each in manifest["files"].items()}
    expected[MANIFEST] = sha256_file(folder / MANIFEST)
    for name in sorted(signed.keys() | expected.keys()):
        if signed.get(name) != expected.get(name):
            yield Problem("signature", name, "what was signed is not what the manifest says now")


def _source(source: Source, /) -> dict[str, object]:
    return {key: value for key, value in asdict(source).items() if value not in {"", ()}}
