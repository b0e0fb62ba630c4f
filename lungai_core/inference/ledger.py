"""Which cases of a batch are queued, running or ended: a ledger that loses no case when a process or the machine dies.

A case is leased for a time and the lease renewed while it runs. Whoever finds an expired lease may take the case again,
and only the holder of the present lease can end it. Work is therefore done at least once; results appear whole, so a
second run of a case changes nothing.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from pydantic import Field, ValidationError

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import CaseListError, LedgerMismatchError, OutputFolderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["BatchCase", "CaseCount", "CaseList", "CaseState", "Lease", "Ledger", "SqliteLedger", "read_cases"]

_BUSY_TIMEOUT_S = 60
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """
CREATE TABLE IF NOT EXISTS cases (
    case_id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    ct_dir TEXT NOT NULL,
    candidates_file TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    review_required INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    lease_until REAL NOT NULL DEFAULT 0
)
""",
)


class CaseState(StrEnum):
    """Where a case of a batch stands.

    :implements: SRS-INFER-011, SDS-INFER-010
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REJECTED = "rejected"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether the case has ended."""
        return self in {CaseState.DONE, CaseState.REJECTED, CaseState.FAILED}


class BatchCase(FrozenModel):
    """One case of a list. Relative paths start at the folder of the list.

    :implements: SRS-INFER-011, SDS-INFER-010
    """

    case_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    ct_dir: Annotated[str, Field(min_length=1)]
    candidates_file: Annotated[str, Field(min_length=1)]


class CaseList(FrozenModel):
    """The cases of a batch, as the file ``cases.json`` holds them.

    :implements: SRS-INFER-011, SDS-INFER-010
    """

    schema_version: Literal["lungai-cases/1"] = "lungai-cases/1"
    cases: tuple[BatchCase, ...]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run one case until a time.

    :implements: SRS-INFER-011, SDS-INFER-010

    Parameters
    ----------
    case
        The case.
    attempt
        How often it was leased, this time included; it tells this lease from earlier ones.
    """

    case: BatchCase
    attempt: int


@dataclass(frozen=True, slots=True)
class CaseCount:
    """How many cases stand in each state.

    :implements: SRS-INFER-011, SDS-INFER-010

    Parameters
    ----------
    by_state
        Pairs of state and number, one for each state.
    review_required
        How many of the done cases call for a second human reading.
    """

    by_state: tuple[tuple[CaseState, int], ...]
    review_required: int

    def of(self, state: CaseState, /) -> int:
        """Return the number of cases in a state.

        :implements: SRS-INFER-011, SDS-INFER-010
        """
        return dict(self.by_state)[state]

    @property
    def total(self) -> int:
        """The number of cases."""
        return sum(number for _, number in self.by_state)

    @property
    def ended(self) -> int:
        """Done, rejected and failed cases together."""
        return sum(number for state, number in self.by_state if state.is_final)


class Ledger(Protocol):
    """What a batch needs of a ledger; a data base server can stand behind it as well.

    :implements: SRS-INFER-011, SDS-INFER-010
    """

    def lease(self, *, now: float, seconds: float, max_attempts: int) -> Lease | None:
        """Take the next case that is queued or whose lease has expired; ``None`` where there is none.

        :implements: SRS-INFER-011, SDS-INFER-010
        """
        ...

    def renew(self, lease: Lease, /, *, now: float, seconds: float) -> bool:
        """Prolong a lease; ``False`` where it has passed to somebody else.

        :implements: SRS-INFER-011, SDS-INFER-010
        """
        ...

    def end(self, lease: Lease, /, *, state: CaseState, reason: str, review_required: int) -> bool:
        """End a case; ``False`` where the lease has passed to somebody else.

        :implements: SRS-INFER-011, SDS-INFER-010
        """
        ...

    def count(self) -> CaseCount:
        """Count the cases in each state.

        :implements: SRS-INFER-011, SDS-INFER-010
        """
        ...


class SqliteLedger:
    """A ledger in one SQLite file, for one machine.

    :implements: SRS-INFER-011, SDS-INFER-010

    Parameters
    ----------
    path
        The file; made where it does not exist. Any number of processes may open it.

    Raises
    ------
    OutputFolderError
        From each method, if the file cannot be read or written, is no ledger, or its disk is full; no state is lost.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous=FULL")
                yield connection
        except sqlite3.DatabaseError as error:
            raise _unusable(self._path, error) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # On a full disk SQLite has rolled back by itself.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def enqueue(self, cases: Sequence[BatchCase], /, *, configuration: str) -> None:
        """Add the cases that are not in the ledger yet.

        :implements: SRS-INFER-011, SDS-INFER-010

        Parameters
        ----------
        cases
            Cases with absolute paths; one that the ledger knows keeps its state.
        configuration
            Identity of model, software and settings.

        Raises
        ------
        LedgerMismatchError
            If the ledger was begun with another configuration, or knows a case by other paths.
        """
        with self._transaction() as connection:
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('configuration', ?)", (configuration,))
            (known,) = connection.execute("SELECT value FROM meta WHERE name = 'configuration'").fetchone()
            if known != configuration:
                raise _mismatch("The batch was begun with another model, software or settings.", "configuration")
            for position, case in enumerate(cases):
                connection.execute(
                    "INSERT OR IGNORE INTO cases (case_id, position, ct_dir, candidates_file, state) "
                    "VALUES (?, ?, ?, ?, 'queued')",
                    (case.case_id, position, case.ct_dir, case.candidates_file),
                )
                row = connection.execute(
                    "SELECT ct_dir, candidates_file FROM cases WHERE case_id = ?", (case.case_id,)
                ).fetchone()
                if row != (case.ct_dir, case.candidates_file):
                    raise _mismatch("The batch knows a case by other paths.", f"case {case.case_id}")

    def release_all(self) -> int:
        """Queue every running case again; for a caller that knows that no worker is alive.

        :implements: SRS-INFER-011, SDS-INFER-010

        Returns
        -------
        int
            How many cases were running.
        """
        with self._transaction() as connection:
            return connection.execute("UPDATE cases SET lease_until = 0 WHERE state = 'running'").rowcount

    def lease(self, *, now: float, seconds: float, max_attempts: int) -> Lease | None:
        """Take the next case; see :class:`Ledger`.

        :implements: SRS-INFER-011, SDS-INFER-010

        Parameters
        ----------
        now
            Seconds of a clock that all workers share.
        seconds
            How long the lease lasts.
        max_attempts
            A case that was leased this often without an end is failed instead.
        """
        with self._transaction() as connection:
            connection.execute(
                "UPDATE cases SET state = 'failed', reason = 'no worker lived to end it' "
                "WHERE state = 'running' AND lease_until <= ? AND attempts >= ?",
                (now, max_attempts),
            )
            row = connection.execute(
                "SELECT case_id, ct_dir, candidates_file, attempts FROM cases "
                "WHERE state = 'queued' OR (state = 'running' AND lease_until <= ?) ORDER BY position LIMIT 1",
                (now,),
            ).fetchone()
            if row is None:
                return None
            case_id, ct_dir, candidates_file, attempts = row
            connection.execute(
                "UPDATE cases SET state = 'running', attempts = ?, lease_until = ? WHERE case_id = ?",
                (attempts + 1, now + seconds, case_id),
            )
        case = BatchCase(case_id=case_id, ct_dir=ct_dir, candidates_file=candidates_file)
        return Lease(case, attempts + 1)

    def renew(self, lease: Lease, /, *, now: float, seconds: float) -> bool:
        """Prolong a lease; see :class:`Ledger`.

        :implements: SRS-INFER-011, SDS-INFER-010
        """
        with self._transaction() as connection:
            changed = connection.execute(
                "UPDATE cases SET lease_until = ? WHERE case_id = ? AND attempts = ? AND state = 'running'",
                (now + seconds, lease.case.case_id, lease.attempt),
            )
            return changed.rowcount == 1

    def end(self, lease: Lease, /, *, state: CaseState, reason: str, review_required: int) -> bool:
        """End a case; see :class:`Ledger`.

        :implements: SRS-INFER-011, SDS-INFER-010
        """
        with self._transaction() as connection:
            changed = connection.execute(
                "UPDATE cases SET state = ?, reason = ?, review_required = ? "
                "WHERE case_id = ? AND attempts = ? AND state = 'running'",
                (state.value, reason, review_required, lease.case.case_id, lease.attempt),
            )
            return changed.rowcount == 1

    def count(self) -> CaseCount:
        """Count the cases; see :class:`Ledger`.

        :implements: SRS-INFER-011, SDS-INFER-010
        """
        with self._connection() as connection:
            found = dict(connection.execute("SELECT state, COUNT(*) FROM cases GROUP BY state").fetchall())
            (review,) = connection.execute("SELECT COALESCE(SUM(review_required), 0) FROM cases").fetchone()
        return CaseCount(tuple((state, found.get(state.value, 0)) for state in CaseState), int(review))

    def reasons(self) -> tuple[tuple[str, CaseState, str], ...]:
        """List the cases that ended without a result: identifier, state and reason, in the order of the list.

        :implements: SRS-INFER-011, SDS-INFER-010
        """
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT case_id, state, reason FROM cases WHERE state IN ('rejected', 'failed') ORDER BY position"
            ).fetchall()
        return tuple((case_id, CaseState(state), reason) for case_id, state, reason in rows)


def read_cases(path: Path, /) -> CaseList:
    """Read ``cases.json`` and make its paths absolute.

    :implements: SRS-INFER-011, SDS-INFER-010

    Parameters
    ----------
    path
        A JSON file of the schema ``lungai-cases/1``.

    Raises
    ------
    CaseListError
        If the file is absent, not of the schema, or names a case twice.
    """
    try:
        listed = CaseList.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise _bad_list("The list of cases cannot be used.", path) from error
    if len({case.case_id for case in listed.cases}) != len(listed.cases):
        raise _bad_list("Two cases have the same case_id.", path)
    folder = path.resolve().parent
    cases = tuple(
        case.model_copy(
            update={"ct_dir": str(folder / case.ct_dir), "candidates_file": str(folder / case.candidates_file)}
        )
        for case in listed.cases
    )
    return listed.model_copy(update={"cases": cases})


def _bad_list(what: str, path: Path, /) -> CaseListError:
    return CaseListError(
        what,
        where=str(path),
        allowed='{"schema_version": "lungai-cases/1", "cases": '
        '[{"case_id": "1", "ct_dir": "ct", "candidates_file": "candidates.json"}]}',
        remedy="Write the file after the manual, docs/reference/cli.md.",
    )


def _mismatch(what: str, where: str, /) -> LedgerMismatchError:
    return LedgerMismatchError(
        what,
        where=where,
        allowed="the model, software, settings and paths that the output folder was begun with",
        remedy="Choose another output folder, or run with what this one was begun with.",
    )


def _unusable(path: Path, error: sqlite3.DatabaseError, /) -> OutputFolderError:
    return OutputFolderError(
        f"The ledger cannot be used ({error.sqlite_errorname}).",
        where=str(path),
        allowed="a ledger that lungai batch has made, on a disk with free space",
        remedy="Mend permissions or free disk space and run again; a damaged ledger is moved away with its results.",
    )
