from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lungai_core.errors import RunRecordError
from lungai_core.trace import (
    Outcome,
    RunRecord,
    TestResult,
    Verdict,
    evaluate,
    load_graph,
    merge_records,
    read_config,
    read_record,
    save_record,
    stale_because,
)
from lungai_core.trace.record import Attempt, Environment
from lungai_core.trace.surroundings import sources_sha256

SUM = "tests/test_pkg.py::test_sum"
TEXT = "tests/test_pkg.py::test_text_is_refused"
MACHINE = Environment("CPython 3", "Linux", "x86_64", "cpu", 2, "", "", (), "e" * 64)


def result(node_id, *ids, outcome=Outcome.PASSED):
    return TestResult(node_id, ids, outcome, (Attempt(outcome, 0.1),))


def record(*results, **changes):
    whole = RunRecord(
        commit="c" * 40,
        dirty=(),
        sources_sha256="s" * 64,
        started="2026-11-22T00:00:00+00:00",
        duration_s=1.0,
        command=("pytest",),
        tool="pytest 9",
        seeds=(),
        tester="T",
        complete=True,
        incomplete_because=(),
        exit_status=0,
        coverage_core="",
        coverage_sha256="",
        environment=MACHINE,
        results=results,
    )
    return replace(whole, **changes)


GOOD = record(result(SUM, "SRS-001"), result(TEXT, "SRS-002", "RC-001"))


@pytest.fixture
def graph(project):
    return load_graph(read_config(project.root))


def verdicts(graph, run, **options):
    return {key: str(each.verdict) for key, each in evaluate(graph, run, **options).of.items()}


@pytest.mark.verifies("SRS-TRACE-007", "RC-TRACE-001")
def test_everything_passed_verifies_everything_up_to_need_and_hazard(graph):
    assert verdicts(graph, GOOD) == {
        "UN-001": "VERIFIED", "HAZ-001": "VERIFIED", "RC-001": "VERIFIED", "SRS-001": "VERIFIED",
        "SRS-002": "VERIFIED", "SDS-001": "n/a",
    }  # fmt: skip


@pytest.mark.verifies("SRS-TRACE-007", "RC-TRACE-001")
@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.PASSED])
def test_no_outcome_but_passed_verifies(graph, outcome):
    found = evaluate(graph, record(result(SUM, "SRS-001"), result(TEXT, "SRS-002", "RC-001", outcome=outcome))).of
    failure = outcome in {Outcome.FAILED, Outcome.ERROR, Outcome.CRASHED, Outcome.TIMEOUT, Outcome.XPASSED_STRICT}
    worst = Verdict.FAILED if failure else Verdict.INCOMPLETE
    assert {key for key, each in found.items() if each.verdict is worst} == {"UN-001", "HAZ-001", "RC-001", "SRS-002"}
    assert found["SRS-001"].verdict is Verdict.VERIFIED
    assert (found["SRS-002"].mapped, found["SRS-002"].passed) == (1, 0)
    assert TEXT in found["SRS-002"].reason


@pytest.mark.verifies("SRS-TRACE-007", "RC-TRACE-002")
def test_partial_and_stale_runs_verify_nothing(graph):
    partial = replace(GOOD, complete=False, incomplete_because=("1 deselected",))
    for run, options in ((partial, {}), (GOOD, {"stale": "changed"}), (None, {})):
        assert "VERIFIED" not in verdicts(graph, run, **options).values()


@pytest.mark.verifies("SRS-TRACE-007", "RC-TRACE-001")
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_taking_anything_away_from_the_proof_of_an_item_unverifies_it(graph, data):
    results = list(GOOD.results)
    position = data.draw(st.integers(0, len(results) - 1))
    victim = results[position]
    way = data.draw(st.sampled_from(["remove", "outcome", "more"]))
    if way == "remove":
        del results[position]
    elif way == "outcome":
        outcome = data.draw(st.sampled_from([each for each in Outcome if each is not Outcome.PASSED]))
        results[position] = replace(victim, outcome=outcome)
    else:
        outcome = data.draw(st.sampled_from([each for each in Outcome if each is not Outcome.PASSED]))
        results.append(result("tests/test_new.py::test_new", *victim.verifies, outcome=outcome))
    found = verdicts(graph, record(*results))
    assert all(found[item_id] != "VERIFIED" for item_id in victim.verifies)


@pytest.mark.verifies("SRS-TRACE-007")
def test_tests_that_ran_no_line_of_the_code_are_claims_only(graph):
    found = evaluate(graph, GOOD, unexercised=frozenset({"SRS-001"})).of
    assert found["SRS-001"].verdict is Verdict.CLAIMED_ONLY
    assert found["UN-001"].verdict is Verdict.CLAIMED_ONLY


@pytest.mark.verifies("SRS-TRACE-007", "RC-TRACE-002")
def test_a_record_is_stale_outside_git_when_dirty_on_another_commit_and_after_a_change(project):
    config = read_config(project.root)
    assert "outside of git" in stale_because(load_graph(config), replace(GOOD, commit=""))
    commit = project.commit()
    run = replace(GOOD, commit=commit, sources_sha256=sources_sha256(config))
    assert stale_because(load_graph(config), run) == ""
    assert "uncommitted" in stale_because(load_graph(config), replace(run, dirty=("a.py",)))
    assert "checked out" in stale_because(load_graph(config), replace(run, commit="0" * 40))
    project.change("pkg/__init__.py", "first + second", "second + first")
    assert "have changed" in stale_because(load_graph(config), run)


@pytest.mark.verifies("SRS-TRACE-006")
def test_a_record_survives_the_way_to_disk_and_back(tmp_path):
    assert read_record(save_record(GOOD, tmp_path)) == GOOD


@pytest.mark.verifies("SRS-TRACE-006")
@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "other/1"}', '{"schema": "lungai-trace-record/1"}'])
def test_a_file_that_is_no_record_is_refused(tmp_path, text):
    path = tmp_path / "record.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RunRecordError):
        read_record(path)


def shard(*results):
    return record(*results, complete=False, incomplete_because=("1 deselected",))


@pytest.mark.verifies("SRS-TRACE-006")
def test_shards_that_cover_each_other_make_a_complete_record():
    one = shard(result(SUM, "SRS-001"), TestResult(TEXT, ("SRS-002", "RC-001"), Outcome.DESELECTED))
    two = shard(TestResult(SUM, ("SRS-001",), Outcome.NOT_IN_RUN), result(TEXT, "SRS-002", "RC-001"))
    merged = merge_records([one, two])
    assert merged.complete
    assert merged.results == GOOD.results
    assert merge_records([one]).complete is False


@pytest.mark.verifies("SRS-TRACE-006", "RC-TRACE-002")
@pytest.mark.parametrize(
    "other",
    [
        replace(GOOD, commit="d" * 40),
        replace(GOOD, sources_sha256="d" * 64),
        replace(GOOD, environment=replace(MACHINE, sha256="f" * 64)),
        replace(GOOD, dirty=("a.py",)),
        GOOD,
    ],
)
def test_shards_of_another_commit_environment_or_overlap_are_refused(other):
    with pytest.raises(RunRecordError):
        merge_records([GOOD, other])


@pytest.mark.verifies("SRS-TRACE-006")
def test_merging_nothing_is_refused():
    with pytest.raises(RunRecordError):
        merge_records([])
