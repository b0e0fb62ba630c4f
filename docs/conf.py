"""Sphinx settings of the manual. The manual is built offline; nothing in it is loaded from elsewhere."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

from sphinx.util.nodes import make_refnode

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
nitpick_ignore_regex = [
    (r"py:.*", rf"({'|'.join(_FOREIGN_NAMES)})\b.*"),
    (r"py:.*", rf"({'|'.join(_OWN_ALIASES)})"),
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


def setup(app: Sphinx) -> None:
    """Join the resolver of short names to Sphinx."""
    app.connect("missing-reference", _resolve_short_name)
