"""The verb ``lungai batch``: many cases, none lost."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lungai_core.cli.policy import Float16, RequireGpu, TensorRtEngines, policy_of
from lungai_core.errors import ExitCode, InvalidArgumentError, LedgerBusyError, WorkersDieError
from lungai_core.preprocess.kernels import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import SpawnProcess

    from lungai_core.cli.batch_worker import WorkerPlan
    from lungai_core.inference.ledger import BatchCase, CaseCount, SqliteLedger

__all__ = ["in_shard", "register", "run_batch"]

_POLL_S = 0.2
_LEDGER = "ledger.sqlite"


def register(app: typer.Typer) -> None:
    """Add the verb ``batch``.

    :implements: SRS-CLI-003, SDS-CLI-003

    Parameters
    ----------
    app
        The application.
    """
    app.command("batch")(_batch)


def _batch(  # noqa: PLR0913  each option of the command is one argument
    cases: Annotated[Path, typer.Argument(help="cases.json: case_id, ct_dir and candidates_file of each case.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for results and ledger; give it again to resume.")],
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Worker processes.")] = 1,
    model: Annotated[Path | None, typer.Option(help="Folder or zip of a model pack; default: the bundled one.")] = None,
    require_gpu: RequireGpu = False,
    fp16: Float16 = False,
    tensorrt: TensorRtEngines = None,
    shard: Annotated[str, typer.Option(help="i/N: take every N-th case from the i-th on, i from 0.")] = "0/1",
    kernel: Annotated[
        Kernel, typer.Option(help="What samples the patches; numba needs the extra fast.")
    ] = Kernel.NUMPY,
    dicom: Annotated[bool, typer.Option(help="Write DICOM SEG, SR and explanation maps.")] = True,
    lease_s: Annotated[float, typer.Option(min=1, help="A worker silent for so long has lost its case.")] = 120.0,
) -> None:
    """Analyse many cases; a killed run is resumed by the same command. Not for clinical use."""
    from lungai_core.cli.batch_worker import WorkerPlan
    from lungai_core.inference.ledger import read_cases
    from lungai_core.modelpack.pack import bundled_pack

    number = shard.replace("/", "-of-")
    plan = WorkerPlan(
        ledger_path=out / (_LEDGER if shard == "0/1" else f"ledger-{number}.sqlite"),
        out_dir=out,
        pack_path=bundled_pack() if model is None else model.resolve(),
        policy=policy_of(require_gpu=require_gpu, fp16=fp16, tensorrt=tensorrt, workers=1, kernel=kernel),
        lease_s=lease_s,
        max_attempts=3,
        written_at=datetime.now().astimezone().replace(microsecond=0) if dicom else None,
    )
    chosen = in_shard(read_cases(cases).cases, shard=shard)
    count = run_batch(chosen, plan=plan, jobs=jobs)
    code = _exit_code(count)
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def in_shard(cases: tuple[BatchCase, ...], /, *, shard: str) -> tuple[BatchCase, ...]:
    """Return the cases of one shard.

    :implements: SRS-CLI-003, SDS-CLI-003

    Parameters
    ----------
    shard
        ``"i/N"`` with 0 <= i < N: the cases i, i + N, i + 2 N and so on.

    Raises
    ------
    InvalidArgumentError
        If ``shard`` is not of that form.
    """
    index, _, total = shard.partition("/")
    if not (index.isdecimal() and total.isdecimal() and int(index) < int(total)):
        raise InvalidArgumentError(
            "The shard is not of the form i/N.", where=f"--shard {shard}", allowed="0/N to (N-1)/N", remedy="Give i/N."
        )
    return cases[int(index) :: int(total)]


def run_batch(cases: tuple[BatchCase, ...], /, *, plan: WorkerPlan, jobs: int) -> CaseCount:
    """Run cases with worker processes until each has ended.

    :implements: SRS-CLI-003, SDS-CLI-003

    A worker that dies is replaced and its case taken again. Cases that an earlier run has ended are not run again.

    Parameters
    ----------
    cases
        Cases with absolute paths.
    plan
        What each worker is told.
    jobs
        Number of worker processes.

    Returns
    -------
    CaseCount
        Done, rejected and failed cases; together they are all cases of the ledger.

    Raises
    ------
    LedgerBusyError
        If another run works on the same output folder.
    LedgerMismatchError
        If the output folder was begun with another model, software or list.
    WorkersDieError
        If workers die without ending a case.
    """
    from lungai_core.inference.engine import InferenceEngine
    from lungai_core.inference.ledger import SqliteLedger
    from lungai_core.modelpack.pack import open_pack
    from lungai_core.version import __version__

    pack = open_pack(plan.pack_path)
    configuration = f"lungai-core {__version__}, model {pack.sha256}, {plan.policy.precision.value}"
    # What keeps every worker from starting shall be one error here, before anything is made, and not a death of each.
    with InferenceEngine.open(pack, policy=plan.policy):
        plan.out_dir.mkdir(parents=True, exist_ok=True)
    with _only_run(plan.ledger_path):
        ledger = SqliteLedger(plan.ledger_path)
        ledger.enqueue(cases, configuration=configuration)
        # The lock is ours, so a case that is marked as running belongs to a run that is dead.
        ledger.release_all()
        _supervise(ledger, plan=plan, jobs=jobs)
        _remove_remains(cases, plan.out_dir)
        return _close(ledger)


def _supervise(ledger: SqliteLedger, /, *, plan: WorkerPlan, jobs: int) -> None:
    from multiprocessing import get_context

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from lungai_core.cli.batch_worker import work

    context = get_context("spawn")
    workers: list[SpawnProcess] = []
    console = Console(stderr=True)
    columns = (TextColumn("cases"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    count = ledger.count()
    begun, already, started = time.monotonic(), count.ended, 0
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("cases", total=count.total, completed=count.ended, rate="")
        try:
            while (count := ledger.count()).ended < count.total:
                workers = [worker for worker in workers if worker.is_alive()]
                while len(workers) < min(jobs, count.total - count.ended):
                    # Each death costs an attempt of a case; more deaths than attempts are deaths without a case.
                    started += 1
                    if started > jobs + count.total * plan.max_attempts:
                        raise _workers_die(plan)
                    worker = context.Process(target=work, args=(plan,), daemon=True)
                    worker.start()
                    workers.append(worker)
                rate = (count.ended - already) / max(time.monotonic() - begun, _POLL_S)
                progress.update(task, completed=count.ended, rate=f"{rate:.2f} a second")
                time.sleep(_POLL_S)
            progress.update(task, completed=count.ended)
            for worker in workers:
                worker.join(timeout=plan.lease_s)
        finally:
            for worker in workers:
                worker.kill()


def _workers_die(plan: WorkerPlan, /) -> WorkersDieError:
    return WorkersDieError(
        "Worker processes die before they end a case.",
        where=str(plan.ledger_path),
        allowed="workers that live",
        remedy="Run one of the cases with `lungai run` and look at its error; check the machine's memory.",
    )


def _remove_remains(cases: tuple[BatchCase, ...], out_dir: Path, /) -> None:
    # Only our own cases: another shard may be writing its parts beside ours.
    for case in cases:
        for part in out_dir.glob(f".{case.case_id}.*.part"):
            shutil.rmtree(part, ignore_errors=True)


def _close(ledger: SqliteLedger, /) -> CaseCount:
    from rich.console import Console

    from lungai_core.inference.ledger import CaseState

    count = ledger.count()
    done, rejected, failed = (count.of(state) for state in (CaseState.DONE, CaseState.REJECTED, CaseState.FAILED))
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for case_id, state, reason in ledger.reasons():
        console.print(f"{case_id}: {state.value}: {reason}", markup=False)
    console.print(f"done {done} + rejected {rejected} + failed {failed} = input {count.total}")
    console.print(f"second human reading required: {count.review_required}")
    if done + rejected + failed != count.total:
        raise AssertionError
    return count


def _exit_code(count: CaseCount, /) -> ExitCode:
    from lungai_core.inference.ledger import CaseState

    if count.of(CaseState.FAILED):
        return ExitCode.RESOURCE
    if count.of(CaseState.REJECTED):
        return ExitCode.INPUT_REJECTED
    return ExitCode.REVIEW_REQUIRED if count.review_required else ExitCode.OK


@contextmanager
def _only_run(ledger_path: Path, /) -> Iterator[None]:
    """Hold a lock that the operating system frees when this process dies, however it dies."""
    lock = ledger_path.with_suffix(".lock")
    handle = os.open(lock, os.O_RDWR | os.O_CREAT)
    try:
        _lock(handle, lock)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, path: Path, /) -> None:
    try:
        if sys.platform == "win32":  # pragma: no cover  tests run on POSIX
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise LedgerBusyError(
            "Another run works on this output folder.",
            where=str(path),
            allowed="one run at a time for a ledger",
            remedy="Wait for the other run, or use --shard to split the list between runs.",
        ) from error
