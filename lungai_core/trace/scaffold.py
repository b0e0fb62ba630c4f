"""A first set-up: a small traced example in somebody's project."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from lungai_core.errors import OutputFolderError
from lungai_core.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["init_project", "read_bundle"]

_PYTEST = '\n[tool.pytest.ini_options]\npythonpath = ["."]\ntestpaths = ["tests"]\n'


def read_bundle(name: str, /) -> dict[str, str]:
    """Return the files of a project that the package carries as one text file.

    :implements: SRS-TRACE-018, SDS-TRACE-020

    Parameters
    ----------
    name
        Of the file in the package's ``assets``.
    """
    text = (files("lungai_core.trace") / "assets" / name).read_text(encoding="utf-8")
    return {path: body for path, _, body in (part.partition("\n") for part in text.split("=== ")[1:])}


def init_project(root: Path, /) -> tuple[Path, ...]:
    """Write a small traced example and its configuration into a project.

    :implements: SRS-TRACE-018, SDS-TRACE-020

    Parameters
    ----------
    root
        The project's folder; its ``pyproject.toml`` is made, or the table is appended to it.

    Returns
    -------
    tuple of Path
        The files that were written.

    Raises
    ------
    OutputFolderError
        If the project is traced already, or has one of the files; nothing has been written then.
    """
    bundle = read_bundle("first_project.txt")
    project_file = root / "pyproject.toml"
    before = project_file.read_text(encoding="utf-8") if project_file.exists() else ""
    taken = [name for name in bundle if name != "pyproject.toml" and (root / name).exists()]
    if "[tool.lungai_trace" in before or taken:
        raise OutputFolderError(
            "The project has a trace already, or one of the files of the example.",
            where=", ".join(taken) or str(project_file),
            remedy="Look at docs/reference/trace.md for what to add by hand.",
        )
    table = bundle.pop("pyproject.toml")
    tables = table if "[tool.pytest" in before else table + _PYTEST
    bundle["pyproject.toml"] = f"{before.rstrip()}\n{tables}".lstrip()
    return tuple(write_whole(root / name, text) for name, text in sorted(bundle.items()))
