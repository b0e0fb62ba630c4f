"""The manual as HTML: warnings are errors, nothing comes from elsewhere, and every public name is in it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

import lungai_core
from lungai_core import errors
from lungai_core.cli import app as cli
from lungai_core.cli.examples import EXAMPLES

inventories = pytest.importorskip("sphinx.util.inventory", reason="the manual is built: extra [docs]")
pytest.importorskip("myst_parser", reason="the manual is built: extra [docs]")

# Modules of which the reference names only what a caller needs; the rest serves their own area.
PARTLY = {
    "lungai_core.cli.app",
    "lungai_core.deid.audit",
    "lungai_core.deid.journal",
    "lungai_core.deid.secret",
    "lungai_core.deid.standard",
    "lungai_core.dicom.rules",
    "lungai_core.preprocess.gate",
    "lungai_core.preprocess.kernels",
}
LOADING = {
    ("link", "href"),
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("object", "data"),
}
ELSEWHERE = re.compile(r"^\s*(https?:)?//")
IN_STYLE = re.compile(r"""(?:@import\s+|url\()\s*["']?((?:https?:)?//[^"')\s]+)""")


@pytest.fixture(scope="module")
def manual(repository, tmp_path_factory):
    target = tmp_path_factory.mktemp("manual")
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "-b", "html", "docs", str(target)]
    built = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return target


@pytest.fixture(scope="module")
def described(manual):
    inventory = inventories.InventoryFile.loads((manual / "objects.inv").read_bytes(), uri="")
    return {name for kind in inventory.data if kind.startswith("py:") for name in inventory.data[kind]}


class _Loaded(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "link" and values.get("rel") in {"canonical", "author", "license"}:
            return
        self.found += [value for name, value in attrs if value and (tag, name) in LOADING and ELSEWHERE.match(value)]


@pytest.mark.verifies("SRS-ERR-010")
def test_no_page_loads_anything_from_elsewhere(manual):
    loaded = {}
    for page in manual.rglob("*.html"):
        reader = _Loaded()
        reader.feed(page.read_text(encoding="utf-8"))
        loaded |= {page.name: reader.found} if reader.found else {}
    assert loaded == {}


@pytest.mark.verifies("SRS-ERR-010")
def test_no_style_imports_anything_from_elsewhere(manual):
    styles = [*manual.rglob("*.css"), *manual.rglob("*.html")]
    found = {path.name: IN_STYLE.findall(path.read_text(encoding="utf-8")) for path in styles}
    assert len(styles) > 20
    assert {name: places for name, places in found.items() if places} == {}


@pytest.mark.verifies("SRS-ERR-011")
def test_each_name_at_the_top_of_the_package_is_described(described):
    last_names = {name.rpartition(".")[2] for name in described}
    assert [name for name in lungai_core.__all__ if name not in last_names | {"__version__"}] == []


def _names_that_examples_import(repository):
    for page in (repository / "README.md", *(repository / "docs").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        for names in re.findall(r"from lungai_core[\w.]* import (?:\(([^)]+)\)|([^\n]+))", text):
            yield from ((page.name, name) for name in re.findall(r"\w+", "".join(names).partition("#")[0]))


@pytest.mark.verifies("SRS-ERR-011")
def test_each_name_that_an_example_imports_is_described(repository, described):
    last_names = {name.rpartition(".")[2] for name in described}
    found = set(_names_that_examples_import(repository))
    # A constant is described with the module that it stands in.
    assert len(found) > 50
    assert sorted((page, name) for page, name in found if name not in last_names and not name.isupper()) == []


def _functions_and_classes(repository):
    for path in (repository / "lungai_core").rglob("*.py"):
        module = ".".join(path.relative_to(repository).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        defined = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                yield module, defined & set(ast.literal_eval(node.value))


@pytest.mark.verifies("SRS-ERR-011")
def test_a_module_that_the_reference_opens_is_described_whole(repository, described):
    opened = {name for name in described if name.startswith("lungai_core.") and name.rpartition(".")[2].islower()}
    missing = {
        module: sorted(name for name in names if f"{module}.{name}" not in described)
        for module, names in _functions_and_classes(repository)
        if module in opened and module not in PARTLY
    }
    assert {module: names for module, names in missing.items() if names} == {}


@pytest.mark.verifies("SRS-ERR-011")
def test_the_reference_of_the_command_has_each_verb_with_its_options(manual):
    page = (manual / "reference" / "cli.html").read_text(encoding="utf-8")
    cli.register_verbs()
    assert [verb for verb in EXAMPLES if f"lungai {verb}" not in page] == []
    for option in ("--candidates", "--secret-file", "--manufacturer", "--cross-validate"):
        assert option in page


@pytest.mark.verifies("SRS-ERR-011")
def test_the_list_of_errors_has_each_code_with_its_exit_code(manual):
    page = (manual / "reference" / "errors.html").read_text(encoding="utf-8")
    rows = re.findall(
        r"<p>(LAI-\w+-\d{3})</p></td>\s*<td><p>(\w+)</p></td>\s*<td><p>\w+</p></td>\s*<td><p>(\d)</p>", page
    )
    leaves = [getattr(errors, name) for name in errors.__all__ if "code" in vars(getattr(errors, name))]
    assert sorted(rows) == sorted((leaf.code, leaf.__name__, str(int(leaf.exit_code))) for leaf in leaves)


@pytest.mark.verifies("SRS-CLI-001", "SRS-ERR-011")
@pytest.mark.parametrize("page", ["docs/reference/cli.md", "docs/zh.md"])
def test_the_exit_codes_of_the_manual_are_those_of_the_command(repository, page):
    text = (repository / page).read_text(encoding="utf-8")
    assert [int(code) for code in re.findall(r"^\| (\d) \|", text, flags=re.MULTILINE)] == list(errors.ExitCode)
