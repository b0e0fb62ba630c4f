import pytest

from lungai_core.trace import Outcome
from lungai_core.trace.attempts import Phase, result_of

SETUP, TEARDOWN = Phase("setup", "passed", 0.1), Phase("teardown", "passed", 0.1)
BROKEN = Phase("setup", "failed", text="E   RuntimeError: set-up\n\nfile.py:1: RuntimeError")

CASES = {
    "passed": [SETUP, Phase("call", "passed"), TEARDOWN],
    "failed": [SETUP, Phase("call", "failed", text="E   assert 0"), TEARDOWN],
    "error": [BROKEN, TEARDOWN],
    "skipped": [Phase("setup", "skipped", reason="no data"), TEARDOWN],
    "xfailed": [SETUP, Phase("call", "skipped", xfail=True, reason="known"), TEARDOWN],
    "xpassed": [SETUP, Phase("call", "passed", xfail=True, reason="known"), TEARDOWN],
    "xpassed_strict": [SETUP, Phase("call", "failed", xpass_strict=True, text="[XPASS(strict)] x"), TEARDOWN],
    "crashed": [Phase("???", "failed", text="worker 'gw0' crashed")],
    "timeout": [SETUP, Phase("call", "failed", text="E   Failed: Timeout (>0.2s) from pytest-timeout."), TEARDOWN],
    "flaky": [SETUP, Phase("call", "rerun", text="E   assert 0"), SETUP, Phase("call", "passed"), TEARDOWN],
}


@pytest.mark.verifies("SRS-TRACE-005", "RC-TRACE-001")
@pytest.mark.parametrize("outcome", CASES)
def test_reports_become_the_outcome(outcome):
    assert result_of("t.py::t", ("SRS-1",), CASES[outcome]).outcome == outcome


@pytest.mark.verifies("SRS-TRACE-005", "RC-TRACE-001")
def test_a_test_that_passed_and_then_failed_to_tear_down_is_an_error():
    phases = [SETUP, Phase("call", "passed"), Phase("teardown", "failed", text="E   OSError: x")]
    result = result_of("t.py::t", (), phases)
    assert (result.outcome, result.message) == (Outcome.ERROR, "OSError: x")


@pytest.mark.verifies("SRS-TRACE-005", "RC-TRACE-001")
def test_a_test_whose_process_went_away_after_set_up_is_crashed():
    assert result_of("t.py::t", (), [SETUP]).outcome is Outcome.CRASHED


@pytest.mark.verifies("SRS-TRACE-005")
def test_every_attempt_is_kept_with_its_own_outcome_and_subtests_are_counted():
    subtests = [Phase("subtest", "passed"), Phase("subtest", "failed", text="E   assert 1")]
    first = [*subtests, SETUP, Phase("call", "rerun", text="contains 1 failed subtest")]
    second = [*subtests[:1], SETUP, Phase("call", "passed"), TEARDOWN]
    result = result_of("t.py::t", (), [*first, *second])
    assert [str(attempt.outcome) for attempt in result.attempts] == ["failed", "passed"]
    assert (result.subtests_passed, result.subtests_failed) == (2, 1)
    assert result.outcome is Outcome.FLAKY
