"""The run record: what one test run was, and what became of every test that is known to exist."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lungai_core.errors import RunRecordError
from lungai_core.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = [
    "NOT_RUN",
    "Attempt",
    "Environment",
    "Outcome",
    "Package",
    "RunRecord",
    "TestResult",
    "merge_records",
    "read_record",
    "record_json",
    "save_record",
]

SCHEMA = "lungai-trace-record/1"
MANUFACTURER = "TO BE COMPLETED BY MANUFACTURER"


class Outcome(StrEnum):
    """What became of a test. Only ``passed`` counts as passed.

    :implements: SRS-TRACE-005, SDS-TRACE-006
    """

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"  # set-up or tear-down
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"
    XPASSED_STRICT = "xpassed_strict"
    FLAKY = "flaky"  # passed after a failed attempt
    CRASHED = "crashed"  # its worker process died
    TIMEOUT = "timeout"
    DESELECTED = "deselected"
    NOT_RUN = "not_run"  # selected, and the run stopped before it
    NOT_COLLECTED = "not_collected"  # its file could not be imported, or did not give it
    NOT_IN_RUN = "not_in_run"  # its file was not asked for


NOT_RUN = frozenset({Outcome.DESELECTED, Outcome.NOT_RUN, Outcome.NOT_COLLECTED, Outcome.NOT_IN_RUN})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a test; reruns give several.

    :implements: SRS-TRACE-005, SDS-TRACE-006

    Parameters
    ----------
    outcome
        Of this execution alone.
    duration_s
        Set-up, call and tear-down together.
    message
        The last line of what went wrong, or the reason given for a skip; empty for a pass.
    """

    outcome: Outcome
    duration_s: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class TestResult:
    """What became of one test case.

    :implements: SRS-TRACE-005, SDS-TRACE-006

    Parameters
    ----------
    node_id
        pytest's node ID with parameters; without them for a test that was never collected.
    verifies
        The IDs of its markers.
    outcome
        Of all attempts together.
    attempts
        In their order; empty for a test that did not run.
    subtests_passed, subtests_failed
        Counts of pytest's subtests over all attempts.
    message
        Why it did not run, where that is known.
    """

    __test__ = False

    node_id: str
    verifies: tuple[str, ...]
    outcome: Outcome
    attempts: tuple[Attempt, ...] = ()
    subtests_passed: int = 0
    subtests_failed: int = 0
    message: str = ""

    @property
    def test_id(self) -> str:
        """The node ID without parameters."""
        path, separator, name = self.node_id.partition("::")
        return path + separator + name.partition("[")[0]

    @property
    def has_run(self) -> bool:
        """Whether it reached a verdict of its own, skips excepted."""
        return bool(self.attempts) and self.outcome is not Outcome.SKIPPED


@dataclass(frozen=True, slots=True)
class Package:
    """An installed distribution.

    :implements: SRS-TRACE-005, SDS-TRACE-006

    Parameters
    ----------
    name, version
        As its metadata say.
    sha256
        Of the distribution's RECORD file, which holds the hash of each of its files; empty if it has none.
    """

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine and the software that a run took place on.

    :implements: SRS-TRACE-005, SDS-TRACE-006

    Parameters
    ----------
    python, os, machine, cpu, cpu_count
        Interpreter and version, operating system, architecture, processor, logical processors.
    gpu, gpu_driver
        As ``nvidia-smi`` names them; empty where there is none.
    packages
        Sorted by name.
    sha256
        Of Python, operating system, architecture and packages: what shards must share to be merged.
    """

    python: str
    os: str
    machine: str
    cpu: str
    cpu_count: int
    gpu: str
    gpu_driver: str
    packages: tuple[Package, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One test run. It holds what IEC 62304, 5.7.5 and 9.8, ask of a test record.

    :implements: SRS-TRACE-005, SDS-TRACE-006

    Parameters
    ----------
    commit
        The version of the software tested, as a git commit; empty outside of git.
    dirty
        The files that differed from the commit, sorted; a run with any proves nothing about the commit.
    sources_sha256
        Of all items, code and tests.
    started
        UTC, ISO 8601.
    duration_s
        Wall time.
    command
        The words that repeat the run.
    tool
        The test tools with their versions.
    seeds
        Name and value of each seed that was set.
    tester
        Who is responsible for the run; never taken from the machine's user.
    complete
        Every test in scope was run.
    incomplete_because
        What stood against it; empty if complete.
    exit_status
        pytest's.
    coverage_core, coverage_sha256
        Which core of coverage.py measured, and the hash of its data file; empty if coverage was not measured.
    environment
        Where it took place.
    results
        Sorted by node ID.
    """

    commit: str
    dirty: tuple[str, ...]
    sources_sha256: str
    started: str
    duration_s: float
    command: tuple[str, ...]
    tool: str
    seeds: tuple[tuple[str, str], ...]
    tester: str
    complete: bool
    incomplete_because: tuple[str, ...]
    exit_status: int
    coverage_core: str
    coverage_sha256: str
    environment: Environment
    results: tuple[TestResult, ...]
    by_item: Mapping[str, tuple[TestResult, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_item: dict[str, list[TestResult]] = {}
        for result in self.results:
            for item_id in result.verifies:
                by_item.setdefault(item_id, []).append(result)
        object.__setattr__(self, "by_item", {key: tuple(value) for key, value in by_item.items()})

    @property
    def counts(self) -> tuple[tuple[Outcome, int], ...]:
        """How many cases had each outcome; all fourteen, in their order."""
        counted = Counter(result.outcome for result in self.results)
        return tuple((outcome, counted[outcome]) for outcome in Outcome)


def record_json(record: RunRecord, /) -> str:
    """Return the record as JSON of the schema ``lungai-trace-record/1``.

    :implements: SRS-TRACE-005, SDS-TRACE-006

    Parameters
    ----------
    record
        What to write.
    """
    content = asdict(record)
    del content["by_item"]
    content = {"schema": SCHEMA, **content, "counts": {str(outcome): count for outcome, count in record.counts}}
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def save_record(record: RunRecord, folder: Path, /) -> Path:
    """Write a record where records of its completeness stand: a partial run never replaces a complete one.

    :implements: SRS-TRACE-006, SDS-TRACE-006

    Parameters
    ----------
    record
        What to write.
    folder
        The output folder. A complete record is written into it, a partial one into its folder ``partial``.

    Returns
    -------
    Path
        The file ``record.json`` that was written.
    """
    target = folder if record.complete else folder / "partial"
    return write_whole(target / "record.json", record_json(record))


def read_record(path: Path, /) -> RunRecord:
    """Read a run record.

    :implements: SRS-TRACE-006, SDS-TRACE-006

    Parameters
    ----------
    path
        A ``record.json``.

    Raises
    ------
    RunRecordError
        If the file is absent, or is not of the schema.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("schema") != SCHEMA:
            raise _refusal(path, "The file is not of this schema.")
        content.pop("counts")
        return _record(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refusal(path, f"The run record cannot be read ({type(error).__name__}: {error}).") from error


def merge_records(records: Iterable[RunRecord], /) -> RunRecord:
    """Join the records of shards of one suite.

    :implements: SRS-TRACE-006, SDS-TRACE-006

    Parameters
    ----------
    records
        At least one, all of the same commit, sources and environment.

    Returns
    -------
    RunRecord
        For each test the result of the shard that ran it. Complete if no test in it was left out by every shard.

    Raises
    ------
    RunRecordError
        If the shards differ in commit, sources or environment, if a tree was dirty, or if two shards ran one test.
    """
    shards = list(records)
    if not shards:
        raise RunRecordError("There is no record to merge.", remedy="Name at least one record.json.")
    first = shards[0]
    for shard in shards:
        _check_same_run(first, shard)
    chosen: dict[str, TestResult] = {}
    for result in (result for shard in shards for result in shard.results):
        known = chosen.get(result.node_id)
        if known is None or known.outcome in NOT_RUN:
            chosen[result.node_id] = result
        elif result.outcome not in NOT_RUN:
            raise RunRecordError(
                "Two shards ran the same test.", where=result.node_id, remedy="Give each shard tests of its own."
            )
    ran = {result.test_id for result in chosen.values() if result.outcome not in NOT_RUN}
    results = [each for each in chosen.values() if each.outcome not in NOT_RUN or each.test_id not in ran]
    # A case that one shard deselected and another collected under parameters has been seen by now; what is left out
    # by every shard stays, and keeps the merged record partial.
    left = sorted(each.node_id for each in results if each.outcome in NOT_RUN)
    scopes = set.intersection(*(set(shard.incomplete_because) for shard in shards))
    because = tuple(sorted(scopes)) if left else ()
    return replace(
        first,
        started=min(shard.started for shard in shards),
        duration_s=round(sum(shard.duration_s for shard in shards), 3),
        command=tuple(word for shard in shards for word in (*shard.command, ";"))[:-1],
        complete=not because,
        incomplete_because=because,
        exit_status=max(shard.exit_status for shard in shards),
        coverage_core="",
        coverage_sha256="",
        results=tuple(sorted(results, key=lambda each: each.node_id)),
    )


def _check_same_run(first: RunRecord, shard: RunRecord, /) -> None:
    for name, one, other in (
        ("commit", first.commit, shard.commit),
        ("sources_sha256", first.sources_sha256, shard.sources_sha256),
        ("environment.sha256", first.environment.sha256, shard.environment.sha256),
    ):
        if one != other:
            raise RunRecordError(
                f"The shards differ in {name}.",
                where=f"{one or 'none'} and {other or 'none'}",
                allowed="shards of one commit in one environment",
                remedy="Run all shards again on the same commit with the same packages.",
            )
    if shard.dirty:
        raise RunRecordError(
            "A shard was run on files that are not committed.",
            where=", ".join(shard.dirty[:5]),
            remedy="Commit, and run all shards again.",
        )


def _record(content: dict[str, Any], /) -> RunRecord:
    results = tuple(
        TestResult(
            node_id=each["node_id"],
            verifies=tuple(each["verifies"]),
            outcome=Outcome(each["outcome"]),
            attempts=tuple(
                Attempt(Outcome(one["outcome"]), float(one["duration_s"]), one["message"]) for one in each["attempts"]
            ),
            subtests_passed=each["subtests_passed"],
            subtests_failed=each["subtests_failed"],
            message=each["message"],
        )
        for each in content.pop("results")
    )
    machine = content.pop("environment")
    packages = tuple(Package(**package) for package in machine.pop("packages"))
    content |= {key: tuple(content[key]) for key in ("dirty", "command", "incomplete_because")}
    content["seeds"] = tuple((name, value) for name, value in content["seeds"])
    return RunRecord(**content, environment=Environment(**machine, packages=packages), results=results)


def _refusal(path: Path, what: str, /) -> RunRecordError:
    return RunRecordError(
        what,
        where=str(path),
        allowed=f"JSON of the schema {SCHEMA}",
        remedy="Run `pytest --trace-record` on the whole suite, and try again.",
    )
