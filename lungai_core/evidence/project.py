"""What a document set is built from: a project, a test run of it, and the records of other tools."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lungai_core.errors import EvidenceInputError
from lungai_core.trace.code import python_files
from lungai_core.trace.config import read_config
from lungai_core.trace.graph import load_graph
from lungai_core.trace.record import read_record
from lungai_core.trace.surroundings import git_lines
from lungai_core.trace.views import full_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lungai_core.trace.matrix import Matrix
    from lungai_core.trace.record import RunRecord

__all__ = ["GitHistory", "Project", "code_inventory", "read_project"]

_VERSION = re.compile(r"""^__version__\s*(?::\s*\w+\s*)?=\s*["']([^"']+)["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class GitHistory:
    """What version control knows.

    :implements: SRS-EVID-015, SDS-EVID-007

    Parameters
    ----------
    tool
        git with its version; empty where there is no repository.
    commit, time
        What is checked out, and when it was committed.
    last_change
        By path: the commit that last changed it, and when (UTC offset as written).
    tags
        Name, commit and time, in the order of time.
    log
        Commit, time and subject, newest first.
    authors_sha256
        SHA-256 of each author's e-mail address, sorted: enough to tell whether a tester wrote code, without names.
    """

    tool: str = ""
    commit: str = ""
    time: str = ""
    last_change: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    tags: tuple[tuple[str, str, str], ...] = ()
    log: tuple[tuple[str, str, str], ...] = ()
    authors_sha256: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """A project with a test run of it.

    :implements: SRS-EVID-005, SDS-EVID-007

    Parameters
    ----------
    root
        Its folder.
    name, version
        As ``pyproject.toml`` says.
    matrix
        Trace, verdicts and findings, with the run record.
    record_bytes
        The run record as it was read.
    history
        Version control.
    documents
        By artefact: the tracked Markdown files that hold its text, English first, from ``[tool.lungai_evidence]``.
    checklist
        The tracked security checklist; empty if there is none.
    model, studies
        The folder of the released model pack, and that of tracked study records; empty if there is none.
    """

    root: Path
    name: str
    version: str
    matrix: Matrix
    record_bytes: bytes
    history: GitHistory
    documents: Mapping[str, tuple[str, ...]]
    checklist: str = ""
    model: str = ""
    studies: str = ""

    @property
    def run(self) -> RunRecord:
        """The test run; there always is one."""
        if self.matrix.record is None:
            raise AssertionError
        return self.matrix.record


def read_project(root: Path, /, *, record: Path) -> Project:
    """Read a project and the record of a test run.

    :implements: SRS-EVID-005, SDS-EVID-007

    Parameters
    ----------
    root
        The folder with ``pyproject.toml``.
    record
        A ``record.json`` of the trace plugin.

    Raises
    ------
    EvidenceInputError
        If ``pyproject.toml`` names no project or a document that does not exist.
    """
    run = read_record(record)
    content = _pyproject(root)
    settings = content.get("tool", {}).get("lungai_evidence", {})
    return Project(
        root=root,
        name=str(content.get("project", {}).get("name", root.resolve().name)),
        version=_version(root, content),
        matrix=full_matrix(load_graph(read_config(root)), run),
        record_bytes=record.read_bytes(),
        history=_history(root),
        documents=_documents(root, content),
        **{name: str(settings.get(name, "")) for name in ("checklist", "model", "studies")},
    )


def code_inventory(project: Project, /) -> list[dict[str, object]]:
    """Return each source file with its SHA-256 and its lines: all, and those with code or documentation.

    :implements: SRS-EVID-022, SDS-EVID-007

    Parameters
    ----------
    project
        Its packages are read.
    """
    rows: list[dict[str, object]] = []
    for package in project.matrix.graph.config.packages:
        for path in python_files(project.root / package):
            text = path.read_bytes()
            lines = text.decode("utf-8", errors="replace").splitlines()
            used = sum(1 for line in lines if line.strip() and not line.lstrip().startswith("#"))
            rows.append(
                {
                    "path": path.relative_to(project.root).as_posix(),
                    "sha256": hashlib.sha256(text).hexdigest(),
                    "lines": len(lines),
                    "lines_not_blank_or_comment": used,
                }
            )
    return rows


def _pyproject(root: Path, /) -> dict[str, Any]:
    try:
        return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvidenceInputError(
            f"The project cannot be read ({type(error).__name__}).",
            where=str(root / "pyproject.toml"),
            allowed="a readable pyproject.toml",
            remedy="Run the command in the project's root, or name it with --project.",
        ) from error


def _documents(root: Path, content: dict[str, Any], /) -> dict[str, tuple[str, ...]]:
    table = content.get("tool", {}).get("lungai_evidence", {}).get("documents", {})
    documents = {key: (value,) if isinstance(value, str) else tuple(value) for key, value in table.items()}
    missing = [path for paths in documents.values() for path in paths if not (root / path).is_file()]
    if missing:
        raise EvidenceInputError(
            "A document named in [tool.lungai_evidence.documents] does not exist.",
            where=missing[0],
            allowed="paths of tracked Markdown files, relative to the project's root",
            remedy="Correct the path in pyproject.toml, or write the document.",
        )
    return documents


def _version(root: Path, content: dict[str, Any], /) -> str:
    stated = content.get("project", {}).get("version")
    if stated:
        return str(stated)
    path = content.get("tool", {}).get("hatch", {}).get("version", {}).get("path", "")
    if path and (root / path).is_file():
        match = _VERSION.search((root / path).read_text(encoding="utf-8"))
        if match:
            return match[1]
    return ""


def _history(root: Path, /) -> GitHistory:
    head = git_lines(root, "log", "-1", "--format=%H%x09%cI")
    if not head:
        return GitHistory()
    commit, time = head[0].split("\t")
    log = tuple(_three(line) for line in git_lines(root, "log", "--format=%H%x09%cI%x09%s") or ())
    tags = git_lines(
        root,
        "for-each-ref",
        "--sort=creatordate",
        "--format=%(refname:short)%09%(objectname)%09%(creatordate:iso-strict)",
        "refs/tags",
    )
    authors = {hashlib.sha256(line.encode()).hexdigest() for line in git_lines(root, "log", "--format=%ae") or ()}
    return GitHistory(
        tool=" ".join((git_lines(root, "version") or ("git",))[0].split()[::2]),
        commit=commit,
        time=time,
        last_change=_last_changes(root),
        tags=tuple(_three(line) for line in tags or ()),
        log=log,
        authors_sha256=tuple(sorted(authors)),
    )


def _three(line: str, /) -> tuple[str, str, str]:
    first, second, third = line.split("\t", 2)
    return first, second, third


def _last_changes(root: Path, /) -> dict[str, tuple[str, str]]:
    changes: dict[str, tuple[str, str]] = {}
    commit = time = ""
    for line in git_lines(root, "log", "--format=%x00%H%x09%cI", "--name-only", "--relative") or ():
        if line.startswith("\0"):
            commit, time = line[1:].split("\t")
        elif line:
            changes.setdefault(line, (commit, time))
    return changes


def history_json(history: GitHistory, /) -> str:
    """Return what version control knows as JSON, the content of ``evidence/git.json``.

    :implements: SRS-EVID-015, SDS-EVID-007

    Parameters
    ----------
    history
        From :func:`read_project`.
    """
    content = {
        "commit": history.commit,
        "time": history.time,
        "tags": [{"name": name, "commit": commit, "time": time} for name, commit, time in history.tags],
        "log": [{"commit": commit, "time": time, "subject": subject} for commit, time, subject in history.log],
        "authors": len(history.authors_sha256),
        "authors_sha256": history.authors_sha256,
        "last_change": {
            path: {"commit": commit, "time": time} for path, (commit, time) in sorted(history.last_change.items())
        },
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
