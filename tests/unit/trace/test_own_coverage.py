import json
from dataclasses import replace

import pytest

from lungai_core.cli.app import main
from lungai_core.errors import CoverageContextError
from lungai_core.trace import Verdict, load_graph, measure_own_coverage, read_config, read_record

CODE = '''"""A package."""


def volume(a, b, *, mm3=False):
    """Volume.

    :implements: SRS-001
    """
    if a < 0:
        return 0
    result = a * b
    if mm3:
        result = (
            result * 1000
        )
    return result


def risk(x):
    """Risk.

    :implements: SRS-002, SDS-001
    """
    if x > 5 or x < -5:
        return "high"
    return "low"


def _helper():
    return volume(1, 1)
'''

TESTS = """
import pytest
import pkg


@pytest.mark.verifies("SRS-001")
def test_own():
    assert pkg.volume(2, 3) == 6


@pytest.mark.verifies("SRS-001")
def test_failing():
    assert pkg.volume(2, 3, mm3=True) == 1


@pytest.mark.verifies("SRS-002", "RC-001")
def test_other():
    assert pkg.volume(-1, 1) == 0
    assert pkg.risk(9) == "high"


def test_unlinked():
    assert pkg._helper() == 1
    assert pkg.risk(1) == "low"
"""


@pytest.fixture
def measured(project):
    project.write("pkg/__init__.py", CODE)
    project.write("tests/test_pkg.py", TESTS)
    project.commit()
    return project


def run(project, *words):
    result = project.pytest("--trace-record", "-q", "--cov=pkg", "--cov-branch", "--cov-context=test", *words)
    record = read_record(project.root / "build/trace/record.json")
    return record, load_graph(read_config(project.root)), result


@pytest.mark.verifies("SRS-TRACE-013")
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_only_statements_run_by_passing_tests_of_the_item_count(measured, workers):
    record, graph, result = run(measured, workers)
    assert "100%" in result.stdout  # what plain coverage says
    own = measure_own_coverage(graph, record, measured.root / ".coverage")
    volume = own.by_item["SRS-001"]
    assert (volume.own_statements, volume.any_statements, volume.statements) == (4, 6, 6)
    assert (volume.own_branches, volume.any_branches, volume.branches) == (2, 4, 4)
    assert volume.missing == ("pkg/__init__.py:10", "pkg/__init__.py:13")
    risk = own.by_item["SRS-002"]
    assert (risk.own_statements, risk.any_statements, risk.statements) == (2, 3, 3)
    assert [each.name for each in own.unlinked] == ["pkg._helper"]
    assert own.foreign == ()
    assert own.compound_conditions == 1
    matrix = json.loads((measured.root / "build/trace/matrix.json").read_text(encoding="utf-8"))
    assert matrix["items"][3]["own"]["statements"] == [4, 6, 6]


@pytest.mark.verifies("SRS-TRACE-013", "SRS-TRACE-007")
def test_code_that_only_other_tests_reach_is_named_and_its_item_is_claimed_only(measured):
    measured.change("tests/test_pkg.py", "assert pkg.volume(2, 3) == 6", "assert 1")
    measured.change("tests/test_pkg.py", "assert pkg.volume(2, 3, mm3=True) == 1", "assert 2")
    measured.commit()
    record, graph, _ = run(measured)
    own = measure_own_coverage(graph, record, measured.root / ".coverage")
    assert [each.name for each in own.foreign] == ["pkg.volume"]
    assert own.unexercised == {"SRS-001"}
    matrix = json.loads((measured.root / "build/trace/matrix.json").read_text(encoding="utf-8"))
    assert {item["id"]: item["verdict"] for item in matrix["items"]}["SRS-001"] == Verdict.CLAIMED_ONLY


@pytest.mark.verifies("SRS-TRACE-013")
def test_data_without_contexts_of_another_run_or_core_are_refused(measured, tmp_path):
    record, graph, _ = run(measured)
    data = measured.root / ".coverage"
    for wrong, path in (
        (replace(record, coverage_core="SysMonitor"), data),
        (replace(record, coverage_sha256="0" * 64), data),
        (record, tmp_path / "none"),
    ):
        with pytest.raises(CoverageContextError):
            measure_own_coverage(graph, wrong, path)


@pytest.mark.verifies("SRS-TRACE-013")
def test_a_run_without_contexts_says_not_measured(measured):
    measured.pytest("--trace-record", "-q", "--cov=pkg", "--cov-branch")
    assert "NOT MEASURED" in (measured.root / "build/trace/matrix.csv").read_text(encoding="utf-8")
    assert main(["trace", "coverage", "--root", str(measured.root)]) == 3


@pytest.mark.verifies("SRS-TRACE-013", "SRS-TRACE-009")
def test_the_command_prints_own_any_and_all(measured, capsys):
    run(measured)
    assert main(["trace", "coverage", "--root", str(measured.root)]) == 0
    out = capsys.readouterr().out
    assert "SRS-001                              4/6/6                     2/4/4" in out
    assert "MC/DC is NOT MEASURED" in out
    assert main(["trace", "matrix", "--root", str(measured.root)]) == 0
    assert ",4/6," in (measured.root / "build/trace/matrix.csv").read_text(encoding="utf-8")
