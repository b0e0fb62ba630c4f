import contextlib
import io
import re
import warnings

import pytest

sphinx_build = pytest.importorskip("sphinx.cmd.build")


def build(project, text, *, suffix="rst"):
    extensions = ["lungai_core.trace.sphinx_ext", *(["myst_parser"] if suffix == "md" else [])]
    project.write("docs/conf.py", f"extensions = {extensions!r}\nproject = 'p'\n")
    project.write(f"docs/index.{suffix}", text)
    output = io.StringIO()
    words = ["-n", "-W", "-q", "-b", "html", str(project.root / "docs"), str(project.root / "build/docs")]
    with warnings.catch_warnings(), contextlib.redirect_stderr(output):
        warnings.simplefilter("ignore")  # Sphinx and its themes have deprecations of their own
        code = sphinx_build.main(words)
    return code, re.sub(r"\x1b\[[0-9;]*m", "", output.getvalue())


PAGE = """
Items
=====

See :req:`SRS-001` and :lungai:req:`UN-001`.

.. lungai:items:: software design
"""


@pytest.mark.verifies("SRS-TRACE-017")
def test_a_page_shows_items_with_links_code_tests_and_last_result(project):
    project.commit()
    project.pytest_inside("--trace-record")
    code, errors = build(project, PAGE)
    assert (code, errors) == (0, "")
    html = (project.root / "build/docs/index.html").read_text(encoding="utf-8")
    page = re.sub(r"</?span[^>]*>", "", html)
    assert 'href="#item-SRS-001"' in page
    assert "VERIFIED (mapped 1, run 1, passed 1)" in page
    assert "pkg.add (pkg/__init__.py:4)" in page
    assert "tests/test_pkg.py::test_sum [passed]" in page
    assert "库应将 2 个数相加。" in page


@pytest.mark.verifies("SRS-TRACE-017")
def test_an_unknown_id_fails_the_build_with_its_place(project):
    code, errors = build(project, "Items\n=====\n\n:req:`SRS-009`\n")
    assert code != 0
    assert "index.rst:4: WARNING: unknown item ID: SRS-009" in errors


@pytest.mark.verifies("SRS-TRACE-017")
def test_an_unknown_kind_fails_the_build(project):
    code, errors = build(project, "# Items\n\n```{lungai:items} nonsense\n```\n", suffix="md")
    assert code != 0
    assert "nonsense is neither an item ID nor a kind of item" in errors


@pytest.mark.verifies("SRS-TRACE-017")
def test_myst_pages_link_items_too(project):
    code, errors = build(project, "# Items\n\nSee {req}`SRS-001`.\n\n```{lungai:items} SRS-001\n```\n", suffix="md")
    assert (code, errors) == (0, "")
