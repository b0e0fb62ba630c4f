"""Sphinx settings of the manual. The manual is built offline; nothing in it is loaded from elsewhere."""

from __future__ import annotations

import re
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

import typer
from sphinx.util.nodes import make_refnode
from typer.cli import get_docs_for_click

from lungai_core import errors
from lungai_core.cli.app import app as command_line
from lungai_core.cli.app import register_verbs

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

project = "lungai-core"
author = "The lungai-core authors"
project_copyright = "2026, the lungai-core authors"
version = release = installed_version("lungai-core")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "generated"]
html_theme = "furo"
html_title = f"lungai-core {version}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_typehints = "none"
autodoc_member_order = "bysource"
# The manual is built without the heavy extras; their names appear in signatures and docstrings only.
autodoc_mock_imports = [
    "highdicom",
    "matplotlib",
    "monai",
    "nibabel",
    "numba",
    "onnx",
    "onnxruntime",
    "openvino",
    "safetensors",
    "scipy",
    "sklearn",
    "torch",
]
napoleon_google_docstring = False
# Types stand in the signature; annotated ones would be rendered as cross-references to pydantic's Field.
napoleon_attr_annotations = False
nitpicky = True
# Third parties have no inventory here (no network at build time), and type aliases no entry of their own.
_FOREIGN_NAMES = [
    "np",
    "npt",
    "numpy",
    "NDArray",
    "ArrayLike",
    "pathlib",
    "Path",
    "pydantic",
    "BaseModel",
    "pydicom",
    "Dataset",
    "torch",
    "monai",
    "onnxruntime",
    "typer",
    "collections",
    "typing",
    "Iterator",
    "Iterable",
    "Sequence",
    "Mapping",
    "Callable",
    "Literal",
    "datetime",
    "enum",
    "pytest",
    "sphinx",
    "docutils",
]
_OWN_ALIASES = ["StoredArray", "Shape", "Vector"]
# Named in docstrings and described in the prose of reference/trace.md: for tools that build on the trace.
_IN_PROSE = ["build_graph"]
nitpick_ignore_regex = [
    (r"py:.*", rf"({'|'.join(_FOREIGN_NAMES)})\b.*"),
    (r"py:.*", rf"({'|'.join(_OWN_ALIASES)})"),
    (r"py:.*", rf"({'|'.join(_IN_PROSE)})"),
]


def _resolve_short_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.reference | None:
    """Find an object of the library by its last name alone: numpy-style docstrings write ``CtVolume``, not its path."""
    if node.get("refdomain") != "py":
        return None
    domain = env.domains.python_domain
    wanted = node["reftarget"].rpartition(".")[2]
    matches = [name for name in domain.objects if name.rpartition(".")[2] == wanted]
    if len(matches) != 1:
        return None
    entry = domain.objects[matches[0]]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content, matches[0])


def _verbs() -> str:
    """Render every verb from the application, with typer's own generator, one level of headings lower."""
    register_verbs()
    command = typer.main.get_command(command_line)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), indent=1, name="lungai")
    # Its headings are code; the anchors of the manual read better without.
    return re.sub(r"^(#+) `(.*)`$", r"\1 \2", text, flags=re.MULTILINE).replace("```console", "```text")


def _error_table() -> str:
    """Render the error tree as a table: code, class and exit code."""
    leaves = sorted(
        (value for value in vars(errors).values() if isinstance(value, type) and "code" in vars(value)),
        key=lambda leaf: leaf.code,
    )
    rows = [f"| {leaf.code} | {leaf.__name__} | {leaf.__mro__[1].__name__} | {leaf.exit_code} |" for leaf in leaves]
    return "\n".join(["| code | error | branch | exit code |", "|---|---|---|---|", *rows])


_GENERATED = {"reference/cli": ("<!-- verbs:", _verbs), "reference/errors": ("<!-- errors:", _error_table)}


def _write_generated(_: Sphinx, page: str, source: list[str]) -> None:
    """Put what the code says about itself in the place of the comment that asks for it."""
    if page in _GENERATED:
        mark, render = _GENERATED[page]
        before, _, after = source[0].partition(mark)
        source[0] = before + render() + after.partition("-->")[2]


def setup(app: Sphinx) -> None:
    """Join the resolver of short names and the generated parts to Sphinx."""
    app.connect("missing-reference", _resolve_short_name)
    app.connect("source-read", _write_generated)
