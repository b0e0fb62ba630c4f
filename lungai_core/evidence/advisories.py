"""Known vulnerabilities of the packages of a run, from an advisory file that somebody brought: no network is used."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from lungai_core.errors import EvidenceInputError
from lungai_core.evidence.material import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lungai_core.trace.record import Package

__all__ = ["Advisory", "audit_json", "find_vulnerable", "read_advisories"]

_ECOSYSTEM = "PyPI"
_MAX_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Advisory:
    """One advisory in the Open Source Vulnerability format.

    :implements: SRS-EVID-039, SDS-EVID-027

    Parameters
    ----------
    advisory_id
        Such as ``GHSA-…`` or ``PYSEC-…``.
    modified
        When it was last changed, ISO 8601.
    affected
        Canonical package name, versions listed by name, and ranges as pairs of kind and version in the order of the
        file: ``introduced``, ``fixed``, ``last_affected``.
    """

    advisory_id: str
    modified: str
    affected: tuple[tuple[str, frozenset[str], tuple[tuple[tuple[str, str], ...], ...]], ...]


@dataclass(frozen=True, slots=True)
class _Finding:
    component: str
    version: str
    id: str
    kev: str


def read_advisories(content: bytes, /, *, where: str) -> tuple[Advisory, ...]:
    """Read an advisory file; what was withdrawn or is about another ecosystem is left out.

    :implements: SRS-EVID-039, SDS-EVID-027

    Parameters
    ----------
    content
        JSON of the OSV schema (one advisory, a list, or an object with ``vulns``), or a zip archive of such files.
    where
        Its name, for messages.

    Raises
    ------
    EvidenceInputError
        If it is neither, or unpacks to more than 1 GiB.
    """
    try:
        entries = [entry for text in _texts(content) for entry in _entries(json.loads(text))]
        advisories = tuple(_advisory(entry) for entry in entries if not entry.get("withdrawn"))
    except (ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise EvidenceInputError(
            f"The advisory file cannot be read ({type(error).__name__}).",
            where=where,
            allowed="JSON of the OSV schema, or a zip archive of such files, at most 1 GiB unpacked",
            remedy="Fetch the file again, such as the archive of the ecosystem PyPI, on a machine with a network.",
        ) from error
    return tuple(each for each in advisories if each.affected)


def find_vulnerable(
    packages: Iterable[Package], advisories: Iterable[Advisory], /
) -> tuple[tuple[Package, Advisory], ...]:
    """Return each package with each advisory that names its version, sorted.

    :implements: SRS-EVID-039, SDS-EVID-027

    Parameters
    ----------
    packages
        With their installed versions.
    advisories
        From :func:`read_advisories`.
    """
    by_name: dict[str, list[Package]] = {}
    for package in packages:
        by_name.setdefault(canonicalize_name(package.name), []).append(package)
    found = {
        (package.name, advisory.advisory_id): (package, advisory)
        for advisory in advisories
        for name, versions, ranges in advisory.affected
        for package in by_name.get(name, ())
        if package.version in versions or any(_within(package.version, events) for events in ranges)
    }
    return tuple(found[key] for key in sorted(found))


def audit_json(content: bytes, packages: tuple[Package, ...], /, *, where: str, time: str) -> str:
    """Compare packages with an advisory file, and return the content of ``advisories.json``.

    :implements: SRS-EVID-039, SDS-EVID-027

    Parameters
    ----------
    content, where
        As for :func:`read_advisories`.
    packages
        Of the recorded run.
    time
        When this is done, ISO 8601.
    """
    advisories = read_advisories(content, where=where)
    findings = [
        asdict(_Finding(package.name, package.version, advisory.advisory_id, "not stated in the file"))
        for package, advisory in find_vulnerable(packages, advisories)
    ]
    report = {
        "tool": TOOL,
        "time": time,
        "database": f"{where}, SHA-256 {hashlib.sha256(content).hexdigest()}, {len(advisories)} advisories",
        "database_date": max((advisory.modified for advisory in advisories), default=""),
        "components": len(packages),
        "count": len(findings),
        "findings": findings,
    }
    return json.dumps(report, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _texts(content: bytes, /) -> Iterator[bytes]:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        yield content
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [each for each in archive.infolist() if each.filename.endswith(".json")]
        if sum(each.file_size for each in members) > _MAX_BYTES:
            message = "too large"
            raise ValueError(message)
        for each in members:
            yield archive.read(each)


def _entries(content: Any, /) -> list[dict[str, Any]]:  # noqa: ANN401  any JSON
    if isinstance(content, dict):
        return list(content["vulns"]) if "vulns" in content else [content]
    return list(content)


def _advisory(entry: dict[str, Any], /) -> Advisory:
    return Advisory(
        advisory_id=str(entry["id"]),
        modified=str(entry.get("modified", "")),
        affected=tuple(
            (
                canonicalize_name(each["package"]["name"]),
                frozenset(map(str, each.get("versions", ()))),
                tuple(_events(span) for span in each.get("ranges", ()) if span.get("type") == "ECOSYSTEM"),
            )
            for each in entry.get("affected", ())
            if each.get("package", {}).get("ecosystem") == _ECOSYSTEM
        ),
    )


def _events(span: dict[str, Any], /) -> tuple[tuple[str, str], ...]:
    return tuple((str(kind), str(version)) for event in span["events"] for kind, version in event.items())


def _within(installed: str, events: tuple[tuple[str, str], ...], /) -> bool:
    """Walk the events of a range in their order, as the OSV schema describes its evaluation."""
    try:
        version = Version(installed)
        inside = False
        for kind, text in sorted(events, key=lambda event: Version(event[1])):
            bound = Version(text)
            if kind == "introduced" and version >= bound:
                inside = True
            if (kind == "fixed" and version >= bound) or (kind == "last_affected" and version > bound):
                inside = False
    except InvalidVersion:
        # What cannot be compared is shown rather than left out.
        return True
    return inside
