import json

import pytest

from lungai_core.cli.app import main
from lungai_core.errors import InvalidArgumentError
from lungai_core.trace import impact_between

MORE = '''

def double(number):
    """Double a number.

    :implements: SRS-001
    """
    return _twice(number)


def _twice(number):
    return number * 2
'''


@pytest.fixture
def history(project):
    project.write("pkg/more.py", '"""More."""\n' + MORE)
    project.commit("first")
    return project


@pytest.mark.verifies("SRS-TRACE-015")
def test_a_changed_function_leads_to_its_items_tests_and_everything_above(history):
    history.change("pkg/__init__.py", "return first + second", "return second + first")
    impact = impact_between(history.root, "HEAD")
    assert impact.files == ("pkg/__init__.py",)
    assert impact.functions == ("pkg.add",)
    assert impact.items == ("HAZ-001", "RC-001", "SDS-001", "SRS-001", "SRS-002", "UN-001")
    assert impact.tests == ("tests/test_pkg.py::test_sum", "tests/test_pkg.py::test_text_is_refused")
    assert impact.documents == ()


@pytest.mark.verifies("SRS-TRACE-015")
def test_a_changed_private_helper_counts_for_the_linked_objects_of_its_file(history):
    history.change("pkg/more.py", "number * 2", "number + number")
    impact = impact_between(history.root, "HEAD")
    assert impact.functions == ("pkg.more._twice", "pkg.more.double")
    assert impact.tests == ("tests/test_pkg.py::test_sum",)


@pytest.mark.verifies("SRS-TRACE-015")
def test_a_changed_item_leads_to_its_children_tests_and_documents(history):
    history.change("items/all.md", "shall raise TypeError", "shall raise an error")
    history.commit("second")
    impact = impact_between(history.root, "HEAD~1", "HEAD")
    assert impact.changed_items == ("SRS-002",)
    assert impact.functions == ()
    assert "SDS-001" in impact.items
    assert impact.tests == ("tests/test_pkg.py::test_sum", "tests/test_pkg.py::test_text_is_refused")
    assert impact.documents == ("items/all.md",)


@pytest.mark.verifies("SRS-TRACE-015")
def test_removed_code_and_files_that_are_not_traced_are_named(history):
    (history.root / "pkg/more.py").unlink()
    history.write("notes.txt", "x")
    history.commit("second")
    impact = impact_between(history.root, "HEAD~1", "HEAD")
    assert "pkg.more.double" in impact.functions
    assert impact.untraced == ("notes.txt",)


@pytest.mark.verifies("SRS-TRACE-015")
def test_a_changed_test_and_a_changed_conftest_are_run_again(history):
    history.change("tests/test_pkg.py", "== 3", "== 4 - 1")
    assert impact_between(history.root, "HEAD").tests == ("tests/test_pkg.py::test_sum",)
    history.write("tests/conftest.py", "\n")
    history.commit("second")
    history.write("tests/conftest.py", "# changed\n")
    assert len(impact_between(history.root, "HEAD").tests) == 2


@pytest.mark.verifies("SRS-TRACE-015")
@pytest.mark.parametrize("revision", ["no-such-commit", "--output=x"])
def test_a_commit_that_git_does_not_know_is_refused(history, revision):
    with pytest.raises(InvalidArgumentError):
        impact_between(history.root, revision)


@pytest.mark.verifies("SRS-TRACE-015")
def test_a_commit_without_configuration_has_no_old_side(history):
    history.git("rm", "-q", "--cached", "pyproject.toml")
    history.git("-c", "user.name=t", "-c", "user.email=t@e.invalid", "commit", "-q", "-m", "none")
    history.git("add", "-A")
    assert impact_between(history.root, "HEAD").untraced == ("pyproject.toml",)


@pytest.mark.verifies("SRS-TRACE-015", "SRS-TRACE-009")
def test_the_command_and_the_plugin_select_the_same_tests(history, capsys):
    history.change("tests/test_pkg.py", "== 3", "== 4 - 1")
    assert main(["trace", "impact", "HEAD", "--root", str(history.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tests"] == ["tests/test_pkg.py::test_sum"]
    assert main(["trace", "impact", "HEAD", "--root", str(history.root)]) == 0
    assert "tests (1)\n  tests/test_pkg.py::test_sum" in capsys.readouterr().out
    assert "1 passed, 1 deselected" in history.pytest_inside("--trace-impact", "HEAD", "-v")[1]
    assert history.pytest_inside("--trace-impact", "nonsense")[0] == 4
