import pytest

from lungai_core.trace import read_config, scan_tests

SOURCE = """
import unittest
import pytest
from pytest import mark

pytestmark = [pytest.mark.verifies("A-1"), pytest.mark.slow]
needs = pytest.mark.verifies("A-2")

@needs
@pytest.mark.parametrize("x", [1, pytest.param(2, marks=pytest.mark.verifies("A-3"))])
def test_alias(x): ...

@mark.verifies("A-4", "A-1")
class TestGroup:
    pytestmark = pytest.mark.verifies("A-5")

    async def test_method(self): ...
    def helper(self): ...

    class TestInner:
        def test_deep(self): ...

class Case(unittest.TestCase):
    def test_case(self): ...

class Helper:
    def test_not(self): ...

if True:
    def test_branch(): ...
try:
    def test_try(): ...
except ImportError:
    pass
"""


@pytest.mark.verifies("SRS-TRACE-003")
def test_markers_of_functions_classes_modules_aliases_and_parameters_are_read(project):
    project.write("tests/test_more.py", SOURCE)
    project.write("tests/helper.py", "def test_nothing(): ...")
    found = scan_tests(read_config(project.root))
    assert found.problems == ()
    assert {test.test_id.removeprefix("tests/test_more.py::"): test.verifies for test in found.tests[:6]} == {
        "test_alias": ("A-1", "A-2", "A-3"),
        "TestGroup::test_method": ("A-1", "A-4", "A-5"),
        "TestGroup::TestInner::test_deep": ("A-1", "A-4", "A-5"),
        "Case::test_case": ("A-1",),
        "test_branch": ("A-1",),
        "test_try": ("A-1",),
    }
    assert len(found.tests) == 8


@pytest.mark.verifies("SRS-TRACE-003")
def test_tests_that_an_ordinary_run_leaves_out_stay_known(project):
    project.change("pyproject.toml", "chinese = true", 'chinese = true\nout_of_scope = ["tests/gpu"]')
    project.write("tests/gpu/test_gpu.py", "def test_gpu(): ...")
    found = scan_tests(read_config(project.root))
    assert {test.test_id: test.in_scope for test in found.tests}["tests/gpu/test_gpu.py::test_gpu"] is False
