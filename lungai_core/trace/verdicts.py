"""The verdict on each item, fail-closed: whatever is not shown to be verified is not verified."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from lungai_core.trace.findings import Rule
from lungai_core.trace.record import NOT_RUN, Outcome, TestResult
from lungai_core.trace.surroundings import git_commit, sources_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lungai_core.trace.findings import Finding
    from lungai_core.trace.graph import TraceGraph
    from lungai_core.trace.items import Item
    from lungai_core.trace.record import RunRecord

__all__ = ["ItemVerdict", "Verdict", "Verdicts", "evaluate", "stale_because"]

_FAILURES = frozenset({Outcome.FAILED, Outcome.ERROR, Outcome.CRASHED, Outcome.TIMEOUT, Outcome.XPASSED_STRICT})


class Verdict(StrEnum):
    """What the evidence says about an item, worst first.

    :implements: SRS-TRACE-007, SDS-TRACE-008
    """

    FAILED = "FAILED"
    SUSPECT = "SUSPECT"
    STALE = "STALE"
    NOT_VERIFIED = "NOT VERIFIED"
    INCOMPLETE = "INCOMPLETE"
    CLAIMED_ONLY = "CLAIMED ONLY"
    VERIFIED = "VERIFIED"
    NOT_APPLICABLE = "n/a"


_RANK = {verdict: position for position, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """The verdict on one item, with its reason and its numbers.

    :implements: SRS-TRACE-007, SDS-TRACE-008

    Parameters
    ----------
    verdict
        Of the item and of everything that it rests on.
    reason
        Why it is not verified; empty if it is.
    mapped, run, passed
        Test cases that verify it or what it rests on: known to exist, run to an outcome, passed.
    """

    verdict: Verdict
    reason: str
    mapped: int
    run: int
    passed: int


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdicts on all items of a project.

    :implements: SRS-TRACE-007, SDS-TRACE-008

    Parameters
    ----------
    of
        By item ID.
    """

    of: Mapping[str, ItemVerdict] = field(default_factory=dict)

    @property
    def counts(self) -> tuple[tuple[Verdict, int], ...]:
        """How many items had each verdict, worst first."""
        counted = Counter(each.verdict for each in self.of.values())
        return tuple((verdict, counted[verdict]) for verdict in Verdict)


def evaluate(
    graph: TraceGraph,
    record: RunRecord | None,
    /,
    *,
    stale: str = "",
    suspect: Mapping[str, str] | None = None,
    signed: Mapping[str, Finding | None] | None = None,
    unexercised: frozenset[str] = frozenset(),
) -> Verdicts:
    """Give each item its verdict.

    :implements: SRS-TRACE-007, SDS-TRACE-008

    Parameters
    ----------
    graph
        The trace as the files stand now.
    record
        The run that the verdicts rest on; without one nothing is verified.
    stale
        Why the record does not speak for the files as they stand, from :func:`stale_because`; empty if it does.
    suspect
        By item ID: the link that was changed and not reviewed since.
    signed
        From :func:`signed_state`, for items of another method than test. An item that is not named has no record.
    unexercised
        Items whose passing tests were seen not to run a line of the code that implements them.
    """
    judge = _Judge(graph, record, stale, suspect or {}, signed or {}, unexercised)
    return Verdicts({item.item_id: judge.verdict(item) for item in graph.items.items})


def stale_because(graph: TraceGraph, record: RunRecord, /) -> str:
    """Say why a record does not speak for a project's files as they stand now; empty if it does.

    :implements: SRS-TRACE-007, SDS-TRACE-008

    Parameters
    ----------
    graph
        The trace as the files stand now.
    record
        The run in question.
    """
    if not record.commit:
        return "the run was made outside of git, on no known version"
    if record.dirty:
        return f"the run was made with {len(record.dirty)} uncommitted files, such as {record.dirty[0]}"
    now = git_commit(graph.config.root)
    if now != record.commit:
        return f"the run was made on commit {record.commit[:10]}, and {now[:10] or 'no commit'} is checked out"
    if sources_sha256(graph.config) != record.sources_sha256:
        return "items, code or tests have changed since the run"
    return ""


class _Judge:
    """Verdicts of items on their own evidence and on that of the items below them, each computed once."""

    def __init__(
        self,
        graph: TraceGraph,
        record: RunRecord | None,
        stale: str,
        suspect: Mapping[str, str],
        signed: Mapping[str, Finding | None],
        unexercised: frozenset[str],
    ) -> None:
        self.graph = graph
        self.record = record
        self.stale = stale
        self.suspect = suspect
        self.signed = signed
        self.unexercised = unexercised
        self.judged_kinds = _judged_kinds(graph)
        self.tests_below: dict[str, frozenset[str]] = {}
        self.done: dict[str, ItemVerdict] = {}
        self.open: set[str] = set()
        self.results = {result.node_id: result for result in record.results} if record else {}

    def verdict(self, item: Item, /) -> ItemVerdict:
        if item.item_id not in self.done:
            self.open.add(item.item_id)
            self.done[item.item_id] = self._judge(item)
            self.open.discard(item.item_id)
        return self.done[item.item_id]

    def _judge(self, item: Item, /) -> ItemVerdict:
        if item.kind not in self.judged_kinds or not item.in_force:
            self.tests_below[item.item_id] = frozenset()
            return ItemVerdict(Verdict.NOT_APPLICABLE, "", 0, 0, 0)
        voices = list(self._own(item))
        tests = {result.node_id for result in self._mapped(item)}
        children = [child for child in self.graph.children(item.item_id) if child.kind in self.judged_kinds]
        for child in children:
            if child.item_id in self.open:
                voices.append((Verdict.NOT_VERIFIED, f"{child.item_id} and it link to each other in a circle"))
                continue
            below = self.verdict(child)
            if child.in_force:
                voices.append((below.verdict, f"{child.item_id}: {below.reason or below.verdict}"))
                tests |= self.tests_below[child.item_id]
        if not voices:
            voices.append((Verdict.NOT_VERIFIED, "nothing below it carries evidence"))
        worst, reason = min(voices, key=lambda voice: _RANK[voice[0]])
        self.tests_below[item.item_id] = frozenset(tests)
        results = [self.results[node_id] for node_id in tests if node_id in self.results]
        return ItemVerdict(
            verdict=worst,
            reason="" if worst is Verdict.VERIFIED else reason,
            mapped=len(tests),
            run=sum(result.has_run for result in results),
            passed=sum(result.outcome is Outcome.PASSED for result in results),
        )

    def _own(self, item: Item, /) -> Iterable[tuple[Verdict, str]]:
        if item.item_id in self.suspect:
            yield Verdict.SUSPECT, f"changed and not reviewed: {self.suspect[item.item_id]}"
        if not self.graph.config.kind(item.kind).verified:
            return
        if item.method in {"", "test"}:
            yield self._by_tests(item)
        else:
            yield self._by_signature(item)

    def _by_signature(self, item: Item, /) -> tuple[Verdict, str]:
        if item.item_id not in self.signed:
            return Verdict.NOT_VERIFIED, f"no signed record of its {item.method}"
        against = self.signed[item.item_id]
        if against is None:
            return Verdict.VERIFIED, ""
        failed = against.rule is Rule.FAILED_SIGNED_RECORD
        return Verdict.FAILED if failed else Verdict.STALE, against.message

    def _by_tests(self, item: Item, /) -> tuple[Verdict, str]:
        mapped = self._mapped(item)
        if not mapped or self.record is None:
            return Verdict.NOT_VERIFIED, "no test run is recorded" if mapped else "no test verifies it"
        failed = [result for result in mapped if result.outcome in _FAILURES]
        missing = [result for result in mapped if result.outcome is not Outcome.PASSED]
        partial = "" if self.record.complete else "the run was partial: " + "; ".join(self.record.incomplete_because)
        unseen = "none of its tests ran a line of the code that implements it"
        doubts = (
            (Verdict.FAILED, _named(failed)),
            (Verdict.STALE, self.stale),
            (Verdict.INCOMPLETE, _named(missing) or partial),
            (Verdict.CLAIMED_ONLY, unseen if item.item_id in self.unexercised else ""),
        )
        return next((doubt for doubt in doubts if doubt[1]), (Verdict.VERIFIED, ""))

    def _mapped(self, item: Item, /) -> list[TestResult]:
        recorded = self.record.by_item.get(item.item_id, ()) if self.record else ()
        # A test that stands in the files and not in the record, or that gained the marker since, did not run for it.
        known = {result.test_id for result in recorded}
        absent = (
            TestResult(test.test_id, test.verifies, Outcome.NOT_IN_RUN)
            for test in self.graph.tests_of(item.item_id)
            if test.test_id not in known
        )
        return [*recorded, *absent]


def _named(results: list[TestResult], /) -> str:
    if not results:
        return ""
    first = results[0]
    outcome = first.outcome.replace("_", " ")
    verb = "was" if first.outcome in NOT_RUN else "is"
    others = f", and {len(results) - 1} more" if len(results) > 1 else ""
    return f"{first.node_id} {verb} {outcome}{others}"


def _judged_kinds(graph: TraceGraph, /) -> frozenset[str]:
    judged = {kind.name for kind in graph.config.kinds if kind.verified}
    grown = True
    while grown:
        above = {name for kind in graph.config.kinds if kind.name in judged for name in kind.parents}
        grown = not above <= judged
        judged |= above
    return frozenset(judged)
