import json
from pathlib import Path

import pytest
from coverage import CoverageData

from lungai_core.trace import Outcome, Verdict, full_matrix, load_graph, read_config, read_record

GOLDEN = Path(__file__).with_name("outcomes_golden.json")

OUTCOMES = """
import os
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.verifies("SRS-001")
STATE = Path(__file__).with_name("state")


@pytest.fixture
def broken_setup():
    raise RuntimeError("set-up")


@pytest.fixture
def broken_teardown():
    yield
    raise RuntimeError("tear-down")


def test_passed(): ...


def test_failed():
    assert 1 == 2


def test_error_setup(broken_setup): ...


def test_error_teardown(broken_teardown): ...


def test_skipped():
    pytest.skip("no data")


@pytest.mark.skip(reason="not here")
def test_skipped_by_mark(): ...


@pytest.mark.xfail(reason="known", strict=False)
def test_xfailed():
    assert 0


@pytest.mark.xfail(reason="known", strict=False)
def test_xpassed(): ...


@pytest.mark.xfail(reason="known", strict=True)
def test_xpassed_strict(): ...


@pytest.mark.flaky(reruns=0)  # pytest-timeout does not watch a second attempt
@pytest.mark.timeout(0.2)
def test_timeout():
    time.sleep(5)


def test_deselected(): ...


@pytest.mark.parametrize("x", [1, 2])
def test_parameters(x):
    assert x == 1


def test_subtests(subtests):
    for i in range(3):
        with subtests.test(i=i):
            assert i != 1


def test_flaky():
    if not STATE.exists():
        STATE.write_text("")
        assert 0, "first time"
"""

CRASH = """
import os

import pytest


@pytest.mark.verifies("SRS-002")
def test_crashed():
    os._exit(3)
"""

MODES = {
    "serial": [],
    "workers": ["-n2"],
    "reruns": ["--reruns", "1"],
    "both": ["-n2", "--reruns", "1"],
}


@pytest.fixture
def outcomes(project):
    project.write("tests/test_outcomes.py", OUTCOMES)
    project.write("tests/test_broken.py", "import nothing_of_that_name\n\n\ndef test_not_collected(): ...\n")
    project.write("tests/test_skipped_module.py", "import pytest\npytest.importorskip('no_x')\ndef test_m(): ...\n")
    project.write("tests/test_ignored.py", "def test_not_in_run(): ...\n")
    return project


def run(project, *words):
    return project.pytest(
        "--trace-record", "-q", "--continue-on-collection-errors", "--ignore=tests/test_ignored.py",
        "-k", "not deselected", "-p", "no:cacheprovider", *words,
    )  # fmt: skip


def partial(project):
    return read_record(project.root / "build/trace/partial/record.json")


def outcome_table(record):
    return {
        each.node_id: [str(each.outcome), each.subtests_passed > 0, each.subtests_failed > 0, each.message]
        for each in record.results
    }


@pytest.mark.verifies("SRS-TRACE-005", "RC-TRACE-001")
@pytest.mark.parametrize("mode", MODES)
def test_outcomes_are_the_same_in_every_mode(outcomes, mode):
    if "reruns" not in mode and mode != "both":
        outcomes.write("tests/state", "")  # without reruns there is no flaky test
    result = run(outcomes, *MODES[mode])
    table = outcome_table(partial(outcomes))
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    flaky = "tests/test_outcomes.py::test_flaky"
    assert table.pop(flaky)[0] == ("flaky" if mode in {"reruns", "both"} else "passed")
    assert table == golden, result.stdout


@pytest.mark.verifies("SRS-TRACE-005", "RC-TRACE-001")
def test_a_crashed_worker_leaves_its_test_with_outcome_and_link(outcomes):
    outcomes.write("tests/state", "")
    outcomes.write("tests/test_crash.py", CRASH)
    run(outcomes, "-n2")
    table = {each.node_id: each for each in partial(outcomes).results}
    crashed = table.pop("tests/test_crash.py::test_crashed")
    assert (crashed.outcome, crashed.verifies) == (Outcome.CRASHED, ("SRS-002",))
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert {key: str(value.outcome) for key, value in table.items() if "flaky" not in key} == {
        key: value[0] for key, value in golden.items()
    }


@pytest.mark.verifies("SRS-TRACE-005")
def test_tests_after_a_stop_are_known_and_not_run(project):
    project.change("tests/test_pkg.py", "== 3", "== 4")
    project.commit()
    project.pytest_inside("--trace-record", "-x")
    record = partial(project)
    assert {each.node_id: str(each.outcome) for each in record.results} == {
        "tests/test_pkg.py::test_sum": "failed",
        "tests/test_pkg.py::test_text_is_refused": "not_run",
    }
    assert record.complete is False
    assert "1 not run" in record.incomplete_because


@pytest.mark.verifies("SRS-TRACE-006", "SRS-TRACE-007", "RC-TRACE-002")
def test_a_partial_run_keeps_apart_from_the_complete_one_and_verifies_nothing(project):
    project.commit()
    _, output = project.pytest_inside("--trace-record", "--trace-tester", "A. Tester")
    complete = project.root / "build/trace/record.json"
    content = complete.read_bytes()
    assert "(complete)" in output
    project.pytest_inside("--trace-record", "-k", "sum")
    assert complete.read_bytes() == content
    graph = load_graph(read_config(project.root))
    verdicts = full_matrix(graph, partial(project)).verdicts.of
    assert verdicts["SRS-001"].verdict is Verdict.INCOMPLETE
    assert (verdicts["SRS-002"].mapped, verdicts["SRS-002"].run, verdicts["SRS-002"].passed) == (1, 0, 0)
    assert read_record(complete).tester == "A. Tester"


@pytest.mark.verifies("SRS-TRACE-005", "SRS-TRACE-007", "SRS-TRACE-008")
def test_a_complete_run_on_a_commit_verifies_the_whole_project(project):
    commit = project.commit()
    result = project.pytest("--trace-record", "-n2", "-q")
    assert result.returncode == 0, result.stdout + result.stderr
    record = read_record(project.root / "build/trace/record.json")
    assert (record.commit, record.dirty, record.complete) == (commit, (), True)
    assert record.tester == "TO BE COMPLETED BY MANUFACTURER"
    assert any(package.name == "pytest" and len(package.sha256) == 64 for package in record.environment.packages)
    matrix = json.loads((project.root / "build/trace/matrix.json").read_text(encoding="utf-8"))
    assert {item["id"]: item["verdict"] for item in matrix["items"]} == {
        "UN-001": "VERIFIED", "HAZ-001": "VERIFIED", "RC-001": "VERIFIED",
        "SRS-001": "VERIFIED", "SRS-002": "VERIFIED", "SDS-001": "n/a",
    }  # fmt: skip


@pytest.mark.verifies("SRS-TRACE-005")
def test_modules_that_fail_or_skip_and_files_that_are_left_out_are_told_apart(outcomes):
    (outcomes.root / "tests/test_outcomes.py").unlink()
    outcomes.pytest_inside(
        "--trace-record", "--continue-on-collection-errors", "--ignore=tests/test_ignored.py", "-p", "no:randomly"
    )
    assert {each.test_id.partition("::")[0]: str(each.outcome) for each in partial(outcomes).results} == {
        "tests/test_broken.py": "not_collected",
        "tests/test_ignored.py": "not_in_run",
        "tests/test_pkg.py": "passed",
        "tests/test_skipped_module.py": "skipped",
    }


@pytest.mark.verifies("SRS-TRACE-005")
def test_an_unknown_id_in_a_marker_is_a_usage_error(project):
    project.change("tests/test_pkg.py", 'verifies("SRS-001")', 'verifies("SRS-009")')
    code, output = project.pytest_inside("--trace-record")
    assert code == 4
    assert "tests/test_pkg.py:7: tests/test_pkg.py::test_sum verifies SRS-009" in output
    assert not (project.root / "build").exists()


@pytest.mark.verifies("SRS-TRACE-005")
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_an_unknown_id_that_only_the_run_shows_is_a_usage_error(project, workers):
    project.change("tests/test_pkg.py", 'verifies("SRS-001")', 'verifies("SRS-" + "009")')
    if workers == "-n2":
        result = project.pytest("--trace-record", workers)
        code, output = result.returncode, result.stdout
    else:
        code, output = project.pytest_inside("--trace-record")
    assert code == 4
    assert "tests/test_pkg.py::test_sum verifies SRS-009" in output
    assert not (project.root / "build/trace/record.json").exists()


@pytest.mark.verifies("SRS-TRACE-010")
def test_without_the_option_the_plugin_does_nothing_but_register_the_marker(project):
    project.write(
        "tests/test_loaded.py",
        """
import sys

import pytest

@pytest.mark.verifies("NO-SUCH-ID")
def test_loaded():
    assert not [name for name in sys.modules if name.startswith("lungai_core.") and "pytest_plugin" not in name
                and name != "lungai_core.trace"]
""",
    )
    result = project.pytest("--strict-markers", "-q", "-p", "no:cacheprovider")  # in a process that has loaded nothing
    assert result.returncode == 0, result.stdout
    assert not (project.root / "build").exists()


@pytest.mark.verifies("SRS-TRACE-005")
def test_a_project_without_configuration_is_told_so(project):
    project.write("pyproject.toml", "")
    code, output = project.pytest_inside("--trace-record")
    assert code == 4
    assert "LAI-TRACE-001" in output


@pytest.mark.verifies("SRS-TRACE-005")
def test_collecting_only_writes_no_record(project):
    code, _ = project.pytest_inside("--trace-record", "--collect-only")
    assert code == 0
    assert not (project.root / "build").exists()


MEASURED = """
import sys

import lungai_core
import lungai_core.trace.pytest_plugin


def test_version():
    assert lungai_core.__version__
"""


@pytest.mark.verifies("SRS-TRACE-010")
def test_coverage_of_the_library_is_the_same_with_and_without_the_plugin(project):
    project.write("tests/test_measured.py", MEASURED)
    figures = []
    for words in ([], ["-p", "no:lungai_trace", "-p", "no:lungai_core.trace.pytest_plugin"]):
        options = ["--cov=lungai_core", "--cov-branch", "--cov-report=", "tests/test_measured.py"]
        assert project.pytest(*words, *options).returncode == 0
        data = CoverageData(str(project.root / ".coverage"))
        data.read()
        figures.append({name: set(data.lines(name)) for name in data.measured_files() if data.lines(name)})
    with_plugin, without = figures
    entry = next(name for name in without if name.endswith("trace/pytest_plugin.py"))
    # The plugin's own functions run where it is on; every line that runs at import is seen both times.
    own_lines = without.pop(entry)
    assert len(own_lines) >= 10
    assert with_plugin.pop(entry) >= own_lines
    assert with_plugin == without
