import sys

import pytest

from lungai_core.trace import read_config, scan_code

SOURCE = '''"""A module.

:implements: SRS-001
"""
import sys
from typing import overload

if sys.platform == "x":
    def branch():
        """B."""

try:
    import nothing
except ImportError:
    def fallback():
        """F."""

@overload
def many(x: int): ...

def many(x):
    """Many.

    :implements: SRS-001,
        SRS-002

    More text.
    """

class Shape:
    """S.

    :implements: SDS-001 SRS-002
    """

    def area(self):
        """A.

        :implements: SRS-001
        """

def _private(): pass

class Plain: x = 1
'''


def objects(project, source):
    project.write("pkg/shapes.py", source)
    return {each.name: each for each in scan_code(read_config(project.root)).objects}


@pytest.mark.verifies("SRS-TRACE-002")
def test_every_kind_of_object_is_found_with_its_ids(project):
    found = objects(project, SOURCE)
    assert {name: each.implements for name, each in found.items() if each.implements and "shapes" in name} == {
        "pkg.shapes": ("SRS-001",),
        "pkg.shapes.many": ("SRS-001", "SRS-002"),
        "pkg.shapes.Shape": ("SDS-001", "SRS-002"),
        "pkg.shapes.Shape.area": ("SRS-001",),
    }
    assert {name for name, each in found.items() if each.needs_id} == {
        "pkg.add",
        "pkg.shapes.branch",
        "pkg.shapes.fallback",
        "pkg.shapes.many",
        "pkg.shapes.Shape",
        "pkg.shapes.Plain",
    }
    assert found["pkg.shapes.many"].place.line == 21


@pytest.mark.verifies("SRS-TRACE-002")
def test_all_decides_what_is_public(project):
    found = objects(project, '__all__ = ["_shown"]\n' + SOURCE.replace("_private", "_shown"))
    assert [name for name, each in found.items() if each.needs_id and "shapes" in name] == ["pkg.shapes._shown"]


@pytest.mark.verifies("SRS-TRACE-002")
def test_a_private_module_needs_no_ids(project):
    project.write("pkg/_hidden.py", SOURCE)
    project.write("pkg/.cache/x.py", "not python (")
    project.write("pkg/empty.py", "")
    found = scan_code(read_config(project.root))
    assert found.problems == ()
    assert not any(each.needs_id for each in found.objects if "_hidden" in each.name)


@pytest.mark.verifies("SRS-TRACE-002")
def test_nothing_that_is_scanned_is_imported(project, monkeypatch):
    project.write("pkg/danger.py", 'raise SystemExit("imported")\n')
    monkeypatch.syspath_prepend(str(project.root))
    scan_code(read_config(project.root))
    assert "pkg" not in sys.modules


@pytest.mark.verifies("SRS-TRACE-002")
def test_the_fingerprint_of_code_is_that_of_its_signature_and_docstring(project):
    before = objects(project, SOURCE)["pkg.shapes.many"].fingerprint
    body = objects(project, SOURCE.replace('    More text.\n    """\n', '    More text.\n    """\n    return 1\n'))
    text = objects(project, SOURCE.replace("More text", "Other text"))
    assert body["pkg.shapes.many"].fingerprint == before
    assert text["pkg.shapes.many"].fingerprint != before
