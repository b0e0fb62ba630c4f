"""The matrix as one HTML file that needs no network: the data as JSON, and the page that shows them."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

from lungai_core.trace.matrix import matrix_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lungai_core.trace.matrix import Matrix

__all__ = ["matrix_html"]

_SNIPPET_LINES = 24
_SNIPPET_BUDGET = 6_000_000  # characters; a page that carries more of the source than this opens slowly


def matrix_html(matrix: Matrix, /, *, root_href: str = "../..", data: str = "") -> str:
    """Return the matrix as one HTML page with search, filters, both directions, neighbourhoods and snippets.

    :implements: SRS-TRACE-008, SDS-TRACE-009

    Parameters
    ----------
    matrix
        What to show. The first lines of code and tests are embedded as long as they fit 6 million characters.
    root_href
        The way from the page's folder to the project's root, for links to files.
    data
        The result of :func:`matrix_json`, where it has been made already.
    """
    assets = files("lungai_core.trace") / "assets"
    page_data = {"project": matrix.graph.config.project, "root_href": root_href, "snippets": _snippets(matrix)}
    extra = json.dumps(page_data, ensure_ascii=False, separators=(",", ":"))
    # "<" as an escape keeps any text of an item from ending the script element it stands in.
    content = f'{{"page":{extra},"matrix":{data or matrix_json(matrix)}}}'.replace("<", "\\u003c")
    page = (assets / "matrix.html").read_text(encoding="utf-8")
    for mark, text in (
        ("/*STYLE*/", (assets / "matrix.css").read_text(encoding="utf-8")),
        ("/*SCRIPT*/", (assets / "matrix.js").read_text(encoding="utf-8")),
        ("/*DATA*/", content),
    ):
        page = page.replace(mark, text, 1)
    return page


def _snippets(matrix: Matrix, /) -> dict[str, str]:
    """First lines of each object and test, by ``path:line``; none at all where they would make the page too heavy."""
    config = matrix.graph.config
    by_path: dict[str, list[tuple[int, int]]] = {}
    places: Iterable[tuple[str, int, int]] = [
        *((each.place.path, each.place.line, each.end_line) for each in matrix.graph.code.objects if each.implements),
        *((test.place.path, test.place.line, test.end_line) for test in matrix.graph.tests.tests),
    ]
    for path, line, end_line in places:
        by_path.setdefault(path, []).append((line, min(end_line, line + _SNIPPET_LINES - 1)))
    found: dict[str, str] = {}
    size = 0
    for path, ranges in by_path.items():
        lines = (config.root / path).read_text(encoding="utf-8").split("\n")
        for start, end in ranges:
            text = "\n".join(lines[start - 1 : end])
            size += len(text)
            if size > _SNIPPET_BUDGET:
                return {}
            found[f"{path}:{start}"] = text
    return found
