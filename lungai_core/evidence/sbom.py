"""The software bill of materials, as CycloneDX: what was installed in the recorded run, and what is known about it."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import re
import tomllib
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from lungai_core.errors import EvidenceInputError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from lungai_core.evidence.project import Project

__all__ = ["Component", "components", "cyclonedx_json", "read_soup", "read_vendored", "validate_cyclonedx"]

_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_SEPARATORS = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True)
class Component:
    """One third-party component.

    :implements: SRS-EVID-025, SDS-EVID-009

    Parameters
    ----------
    name, version, purl
        As the run record says, or as the SOUP list says of what is bundled into the product itself.
    record_sha256
        The hash of the distribution's list of file hashes; empty for what is bundled.
    file_sha256
        The hash of the file that a bundled component is a part of; empty otherwise.
    supplier, licence, purpose
        As the SOUP list says; empty where it does not list the component.
    in_device
        Whether the SOUP list puts it, or what needs it, into the device.
    requires
        The names of components that it needs directly.
    support_level, end_of_support, support_source
        As the SOUP list says, with where that was read; empty if unknown, and never guessed.
    anomalies, anomalies_read
        The published list of anomalies, and when it was read.
    """

    name: str
    version: str
    purl: str
    record_sha256: str
    file_sha256: str
    supplier: str
    licence: str
    purpose: str
    in_device: bool
    requires: tuple[str, ...]
    support_level: str
    end_of_support: str
    support_source: str
    anomalies: str
    anomalies_read: str


def components(project: Project, /, *, soup: Mapping[str, Mapping[str, Any]]) -> tuple[Component, ...]:
    """Join the packages of the recorded run with the SOUP list.

    :implements: SRS-EVID-016, SRS-EVID-025, SDS-EVID-009

    Parameters
    ----------
    project
        With its run record.
    soup
        Rows of the SOUP list by normalised name, from :func:`read_soup`.

    Returns
    -------
    tuple of Component
        Sorted by name; the project itself is left out.
    """
    packages = {_normal(each.name): each for each in project.run.environment.packages}
    packages.pop(_normal(project.name), None)
    requires = {name: _requires(name, packages) for name in packages}
    purls = {name: f"pkg:pypi/{name}@{package.version}" for name, package in packages.items()}
    device = _closure({name for name, row in soup.items() if row.get("in_device")} & set(packages), requires)
    return tuple(
        _component(
            _Origin(name, packages[name].version, purls[name], packages[name].sha256, ""),
            soup.get(name, {}),
            in_device=name in device,
            requires=requires[name],
        )
        for name in sorted(packages)
    )


def read_soup(content: bytes, /, *, where: str) -> dict[str, Mapping[str, Any]]:
    """Read the SOUP list: TOML with a table ``package`` a component.

    :implements: SRS-EVID-025, SDS-EVID-009

    Parameters
    ----------
    content
        The file.
    where
        Its name, for messages.

    Raises
    ------
    EvidenceInputError
        If it is not such a file.
    """
    try:
        return {_normal(row["name"]): row for row in tomllib.loads(content.decode())["package"]}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(error, where, "TOML with [[package]] tables that have a name") from error


def read_vendored(content: bytes, /, *, where: str) -> tuple[Component, ...]:
    """Read from the SOUP list what is bundled into the product itself: a table ``vendored`` a component.

    :implements: SRS-EVID-025, SDS-EVID-009

    Parameters
    ----------
    content, where
        As for :func:`read_soup`.

    Returns
    -------
    tuple of Component
        In the order of the file; each with the hash of the file that it is a part of.

    Raises
    ------
    EvidenceInputError
        If a table has no name, version, package URL or hash.
    """
    try:
        rows = tomllib.loads(content.decode()).get("vendored", [])
        return tuple(
            _component(
                _Origin(row["name"], row["version"], row["purl"], "", row["sha256"]),
                row,
                in_device=bool(row.get("in_device")),
                requires=(),
            )
            for row in rows
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        allowed = "TOML with [[vendored]] tables that have name, version, purl and sha256"
        raise _unreadable(error, where, allowed) from error


def _unreadable(error: Exception, where: str, allowed: str, /) -> EvidenceInputError:
    return EvidenceInputError(
        f"The SOUP list cannot be read ({type(error).__name__}).",
        where=where,
        allowed=allowed,
        remedy="Mend the file and repeat the build.",
    )


def cyclonedx_json(project: Project, listed: tuple[Component, ...], /) -> str:
    """Return the bill of materials as CycloneDX 1.6 JSON.

    :implements: SRS-EVID-025, SRS-EVID-021, SDS-EVID-009

    Parameters
    ----------
    project
        The component that the bill is about. Serial number and time follow from its commit, so that the same input
        gives the same bytes.
    listed
        From :func:`components`.
    """
    root_ref = f"{project.name}@{project.version}"
    refs = {each.name: each.purl for each in listed}
    identity = f"{project.name}/{project.version}/{project.history.commit}/{project.run.environment.sha256}"
    direct = sorted(refs[each.name] for each in listed if each.purpose)
    content = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, identity)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromisoformat(project.history.time or project.run.started).isoformat(),
            "authors": [{"name": f"{project.name} build (lungai evidence)"}],
            "component": {
                "type": "library",
                "bom-ref": root_ref,
                "name": project.name,
                "version": project.version or "0",
                "properties": [{"name": "lungai:commit", "value": project.run.commit or "none"}],
            },
        },
        "components": [_entry(each, refs[each.name]) for each in listed],
        "dependencies": [
            {"ref": root_ref, "dependsOn": direct},
            *({"ref": refs[each.name], "dependsOn": sorted(refs[name] for name in each.requires)} for each in listed),
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def validate_cyclonedx(content: str, /) -> None:
    """Check a bill of materials against the published schema of CycloneDX 1.6.

    :implements: SRS-EVID-025, SDS-EVID-009

    Parameters
    ----------
    content
        JSON.

    Raises
    ------
    EvidenceInputError
        With the first deviation.
    MissingDependencyError
        If ``cyclonedx-python-lib`` with its JSON validation is not installed.
    """
    schema, validation = _validators()
    try:
        problem = validation.JsonStrictValidator(schema.SchemaVersion.V1_6).validate_str(content)
    except Exception as error:
        # The library raises a type of its own where the schema checker is absent; its module is the only thing known.
        raise _missing() from error
    if problem is not None:
        raise EvidenceInputError(
            "The bill of materials is not valid CycloneDX.",
            where=str(problem)[:300],
            allowed="the published schema of CycloneDX 1.6",
            remedy="Correct the SOUP list or the package metadata that the entry comes from.",
        )


def _validators() -> tuple[ModuleType, ModuleType]:
    try:
        return importlib.import_module("cyclonedx.schema"), importlib.import_module("cyclonedx.validation.json")
    except ImportError as error:
        raise _missing() from error


def _missing() -> MissingDependencyError:
    return MissingDependencyError(
        "The CycloneDX schema checker is not installed.",
        where="cyclonedx-python-lib[json-validation]",
        remedy='Run `pip install "lungai-core[evidence]"`.',
    )


class _Origin(NamedTuple):
    name: str
    version: str
    purl: str
    record_sha256: str
    file_sha256: str


def _component(origin: _Origin, row: Mapping[str, Any], /, *, in_device: bool, requires: tuple[str, ...]) -> Component:
    known = bool(row.get("support_source"))
    return Component(
        **origin._asdict(),
        supplier=str(row.get("manufacturer", "")),
        licence=str(row.get("licence", "")),
        purpose=str(row.get("purpose", "")),
        in_device=in_device,
        requires=requires,
        support_level=str(row.get("support_level", "")) if known else "",
        end_of_support=str(row.get("end_of_support", "")) if known else "",
        support_source=str(row.get("support_source", "")),
        anomalies=str(row.get("anomalies", "")),
        anomalies_read=str(row.get("anomalies_read", "")),
    )


def _entry(each: Component, ref: str, /) -> dict[str, object]:
    entry: dict[str, object] = {
        "type": "library",
        "bom-ref": ref,
        "name": each.name,
        "version": each.version,
        "purl": each.purl,
        "scope": "required" if each.in_device else "excluded",
        "properties": [
            {"name": "lungai:end-of-support", "value": each.end_of_support or "TO BE COMPLETED BY MANUFACTURER"},
            {"name": "lungai:record-sha256", "value": each.record_sha256 or "none"},
            {"name": "lungai:support-level", "value": each.support_level or "TO BE COMPLETED BY MANUFACTURER"},
        ],
    }
    if each.file_sha256:
        entry["hashes"] = [{"alg": "SHA-256", "content": each.file_sha256}]
    if each.supplier:
        entry["supplier"] = {"name": each.supplier}
    if each.licence:
        entry["licenses"] = [{"license": {"name": each.licence}}]
    return entry


def _requires(name: str, known: Iterable[str], /) -> tuple[str, ...]:
    try:
        lines = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return ()
    found = {_normal(match[1]) for line in lines if not _EXTRA.search(line) and (match := _NAME.match(line))}
    return tuple(sorted(found & set(known)))


def _closure(start: set[str], requires: Mapping[str, tuple[str, ...]], /) -> frozenset[str]:
    reached, pending = set(start), list(start)
    while pending:
        for name in requires.get(pending.pop(), ()):
            if name not in reached:
                reached.add(name)
                pending.append(name)
    return frozenset(reached)


def _normal(name: str, /) -> str:
    return _SEPARATORS.sub("-", name).lower()
