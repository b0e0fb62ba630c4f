"""From the reports of one test to its outcome: fourteen kinds are kept apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.trace.record import Attempt, Outcome, TestResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Phase", "result_of"]

_TIMEOUT = "from pytest-timeout"
_MAX_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Phase:
    """One report of pytest on one test.

    :implements: SRS-TRACE-005, SDS-TRACE-007

    Parameters
    ----------
    when
        ``setup``, ``call``, ``teardown``, ``subtest``, or ``???`` where pytest-xdist reports a dead worker.
    outcome
        ``passed``, ``failed``, ``skipped``, or ``rerun`` by pytest-rerunfailures.
    duration_s
        Of this phase.
    xfail
        The test carries an xfail mark that took effect.
    xpass_strict
        It failed because it passed against a strict xfail mark.
    text, reason
        What went wrong, as pytest prints it; the reason given for a skip or xfail.
    """

    when: str
    outcome: str
    duration_s: float = 0.0
    xfail: bool = False
    xpass_strict: bool = False
    text: str = ""
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether it went wrong, be it run again or not."""
        return self.outcome in {"failed", "rerun"}


def result_of(node_id: str, verifies: tuple[str, ...], phases: Sequence[Phase], /) -> TestResult:
    """Give the result of a test from all its reports.

    :implements: SRS-TRACE-005, SDS-TRACE-007

    Parameters
    ----------
    node_id, verifies
        Of the test.
    phases
        At least one, in the order in which pytest reported them.
    """
    attempts = tuple(_attempt(group) for group in _groups(phases))
    outcome = attempts[-1].outcome
    if outcome is Outcome.PASSED and any(each.outcome is not Outcome.PASSED for each in attempts):
        outcome = Outcome.FLAKY
    subtests = [phase for phase in phases if phase.when == "subtest"]
    failed = sum(phase.failed for phase in subtests)
    return TestResult(
        node_id=node_id,
        verifies=verifies,
        outcome=outcome,
        attempts=attempts,
        subtests_passed=sum(phase.outcome == "passed" for phase in subtests),
        subtests_failed=failed,
        message=attempts[-1].message,
    )


def _groups(phases: Iterable[Phase], /) -> list[list[Phase]]:
    """Split reports into attempts; pytest-rerunfailures reports the subtests of an attempt before its set-up."""
    groups: list[list[Phase]] = []
    over = True  # the last attempt has ended: a report belongs to the next one
    for phase in phases:
        only_subtests = bool(groups) and all(each.when == "subtest" for each in groups[-1])
        if over or (phase.when == "setup" and not only_subtests):
            groups.append([])
        groups[-1].append(phase)
        over = phase.when == "teardown" or phase.outcome == "rerun"
    return groups


def _attempt(phases: list[Phase], /) -> Attempt:
    outcome, phase = _outcome(phases)
    duration = round(sum(each.duration_s for each in phases), 6)
    return Attempt(outcome, duration, _message(phase) if outcome is not Outcome.PASSED else "")


def _outcome(phases: list[Phase], /) -> tuple[Outcome, Phase]:
    for phase in phases:
        if phase.failed:
            return _failure(phase), phase
    for phase in phases:
        if phase.when != "subtest" and phase.outcome == "skipped":
            return (Outcome.XFAILED if phase.xfail else Outcome.SKIPPED), phase
    call = next((phase for phase in phases if phase.when == "call"), None)
    if call is None:
        # Set-up passed and nothing followed: the process went away.
        return Outcome.CRASHED, phases[-1]
    return (Outcome.XPASSED if call.xfail else Outcome.PASSED), call


def _failure(phase: Phase, /) -> Outcome:
    if phase.when == "???":
        return Outcome.CRASHED
    if _TIMEOUT in phase.text:
        return Outcome.TIMEOUT
    if phase.when in {"setup", "teardown"}:
        return Outcome.ERROR
    return Outcome.XPASSED_STRICT if phase.xpass_strict else Outcome.FAILED


def _message(phase: Phase, /) -> str:
    lines = [line.strip() for line in phase.text.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith("E ")]
    text = phase.reason or (marked[0].removeprefix("E").strip() if marked else lines[-1] if lines else "")
    return text[:_MAX_MESSAGE]
