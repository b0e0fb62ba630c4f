"""A process that takes cases from a ledger until none is left. The model is loaded once."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path
from typing import TYPE_CHECKING

from lungai_core.cli.walk import CaseFiles, OnRefusal, walk_with_engine
from lungai_core.dicom.reader import read_ct_series
from lungai_core.domain.candidate import read_candidates
from lungai_core.domain.case_report import CaseReport
from lungai_core.errors import InputRejectedError, LedgerMismatchError, LungaiError, ResultFileError
from lungai_core.inference.engine import InferenceEngine
from lungai_core.inference.identity import candidates_sha256, volume_sha256
from lungai_core.inference.ledger import CaseState, SqliteLedger
from lungai_core.modelpack.pack import open_pack
from lungai_core.report.result_json import read_result_json
from lungai_core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from lungai_core.inference.ledger import BatchCase, Lease, Ledger
    from lungai_core.inference.providers import ProviderPolicy

__all__ = ["WorkerPlan", "run_leased_case", "work"]

_RENEWALS_PER_LEASE = 3


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What every worker of a batch is told.

    :implements: SRS-CLI-003, SDS-CLI-003

    Parameters
    ----------
    ledger_path
        The ledger's file.
    out_dir
        Each case gets a folder of its identifier here.
    pack_path
        The model pack.
    policy
        Which providers are allowed.
    lease_s
        How long a case may go without a sign of life of its worker.
    max_attempts
        How often a case is tried before it counts as failed.
    written_at
        The time in DICOM objects; ``None`` where none are written. One for all attempts of a run, so that a second
        attempt gives the same objects.
    """

    ledger_path: Path
    out_dir: Path
    pack_path: Path
    policy: ProviderPolicy
    lease_s: float
    max_attempts: int
    written_at: datetime | None


def work(plan: WorkerPlan, /) -> None:
    """Run cases until the ledger gives none, or the parent process is gone.

    :implements: SRS-CLI-003, SDS-CLI-003

    Parameters
    ----------
    plan
        What every worker of the batch is told.
    """
    # Not os.getppid() at the start: a worker that starts slowly may already have been handed to another parent.
    supervisor = parent_process()
    parent = os.getppid() if supervisor is None else supervisor.pid
    ledger = SqliteLedger(plan.ledger_path)
    with InferenceEngine.open(open_pack(plan.pack_path), policy=plan.policy) as engine:
        while os.getppid() == parent:
            lease = ledger.lease(now=time.time(), seconds=plan.lease_s, max_attempts=plan.max_attempts)
            if lease is None:
                return
            with _renewed(ledger, lease, seconds=plan.lease_s):
                run_leased_case(ledger, lease, engine=engine, plan=plan)


def run_leased_case(ledger: Ledger, lease: Lease, /, *, engine: InferenceEngine, plan: WorkerPlan) -> CaseState:
    """Run one case and end it in the ledger.

    :implements: SRS-CLI-003, SDS-CLI-003

    A result that an earlier attempt has left whole is taken as it is, if input, model and software are the same. A
    whole result of anything else stays where it is, and the case fails.

    Parameters
    ----------
    ledger, lease
        Where the case comes from.
    engine
        An open engine.
    plan
        Output folder and settings.

    Returns
    -------
    CaseState
        How the case ended.
    """
    out_dir = plan.out_dir / lease.case.case_id
    reason, review = "", 0
    try:
        report = _earlier_result(lease.case, out_dir, engine=engine)
        report = report or _run(lease.case, out_dir, engine=engine, plan=plan)
    except LungaiError as error:
        state, reason = CaseState.FAILED, f"{error.code} {error.what}"
    else:
        state = CaseState.DONE if report.refusal is None else CaseState.REJECTED
        reason = "" if report.refusal is None else f"{report.refusal.code} {report.refusal.message}"
        review = int(report.review_required and report.refusal is None)
    ledger.end(lease, state=state, reason=reason, review_required=review)
    return state


def _run(case: BatchCase, out_dir: Path, /, *, engine: InferenceEngine, plan: WorkerPlan) -> CaseReport:
    files = CaseFiles(
        ct_dir=Path(case.ct_dir),
        candidates_file=Path(case.candidates_file),
        out_dir=out_dir,
        written_at=plan.written_at,
    )
    return walk_with_engine(files, engine=engine, on_refusal=OnRefusal.REPORT)


def _earlier_result(case: BatchCase, out_dir: Path, /, *, engine: InferenceEngine) -> CaseReport | None:
    try:
        report = read_result_json(out_dir / "result.json")
    except ResultFileError:
        return None
    found = report.input
    # A refusal names no input: the series could not be read, or lies outside the model's limits.
    same_input = found is None or _input_hashes(case) == (found.sha256, found.candidates_sha256)
    if same_input and (report.model, report.software.version) == (engine.model, __version__):
        return report
    raise LedgerMismatchError(
        "The case's folder holds the result of another input, model or software.",
        where=f"case {case.case_id}",
        allowed="no folder, or the result of this input",
        remedy="Move the folder away, and run the batch again.",
    )


def _input_hashes(case: BatchCase, /) -> tuple[str, str] | None:
    """Give the identity of a case's input; ``None`` where it is refused."""
    try:
        candidates = read_candidates(Path(case.candidates_file))
        volume = read_ct_series(Path(case.ct_dir), series_instance_uid=candidates.series_instance_uid)
    except InputRejectedError:
        return None
    return volume_sha256(volume), candidates_sha256(candidates)


@contextmanager
def _renewed(ledger: Ledger, lease: Lease, /, *, seconds: float) -> Iterator[None]:
    stop = threading.Event()

    def renew() -> None:
        while not stop.wait(seconds / _RENEWALS_PER_LEASE):
            if not ledger.renew(lease, now=time.time(), seconds=seconds):
                return

    thread = threading.Thread(target=renew, name="lungai-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
