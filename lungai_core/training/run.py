"""A plan from file to trained weights: load, split, prove, train, record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.annotation.consensus import TieRule
from lungai_core.errors import CheckpointMismatchError, DataSetError
from lungai_core.files import write_whole
from lungai_core.model.spec import spec_sha256
from lungai_core.training.annotated import load_annotated
from lungai_core.training.checkpoint import load_weights
from lungai_core.training.lidc import load_lidc_context, load_lidc_nodules
from lungai_core.training.loop import TrainingData, fit
from lungai_core.training.plan import plan_sha256
from lungai_core.training.record import TrainingRecord, curves_csv, curves_png, describe_hardware, package_versions
from lungai_core.training.split import Part, prove_no_leakage, split_by_fold
from lungai_core.training.trainee import new_trainee

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from lungai_core.training.checkpoint import CheckpointState
    from lungai_core.training.loop import Step
    from lungai_core.training.plan import TrainingPlan
    from lungai_core.training.processes import Processes
    from lungai_core.training.samples import NoduleSample
    from lungai_core.training.trainee import Trainee

__all__ = ["Host", "best_trainee", "checkpoints_of", "count_folds", "load_samples", "train_fold"]

_FEWEST_FOLDS = 3


@dataclass(frozen=True, slots=True)
class Host:
    """What a run takes from outside of the plan.

    :implements: SRS-TRAIN-009, SDS-TRAIN-009

    Parameters
    ----------
    processes
        Which process this is; process 0 writes the files.
    clock
        Gives the time that a record is dated with.
    watch
        Called after each step.
    """

    processes: Processes
    clock: Callable[[], datetime]
    watch: Callable[[Step], None] | None = None


def load_samples(plan: TrainingPlan, /, *, base: Path) -> tuple[NoduleSample, ...]:
    """Load the data sets of a plan.

    :implements: SRS-TRAIN-006, SDS-TRAIN-004

    Parameters
    ----------
    plan
        The plan.
    base
        The folder that the plan's paths are relative to.

    Returns
    -------
    tuple
        The nodules, after them those of the context set and those of readers' records, as far as the plan names them.
    """
    data = plan.data
    samples: tuple[NoduleSample, ...] = ()
    if data.nodules is not None:
        samples += load_lidc_nodules(base / data.nodules, limit_per_fold=data.limit_per_fold)
    if data.context is not None:
        samples += load_lidc_context(base / data.context)
    if data.annotated is not None:
        samples += load_annotated(
            base / data.annotated.records,
            base / data.annotated.images,
            # A training patch is cut with a margin of half its edge in all; see `batches`.
            half_edge_mm=0.75 * data.patch_size,
            ties=TieRule[data.annotated.ties.upper()],
            folds=data.annotated.folds,
        )
    return samples


def count_folds(samples: tuple[NoduleSample, ...], /) -> int:
    """Return the number of folds of a data set.

    :implements: SRS-TRAIN-007, SDS-TRAIN-005

    Parameters
    ----------
    samples
        The data set.

    Raises
    ------
    DataSetError
        If the folds are not 0, 1, 2 and so on without a gap, or fewer than 3.
    """
    folds = {sample.fold for sample in samples if sample.fold is not None}
    if folds != set(range(len(folds))) or len(folds) < _FEWEST_FOLDS:
        raise DataSetError(
            "The data set has too few folds, or an empty one.",
            where=f"folds {sorted(folds)}",
            allowed=f"0, 1, 2 … without a gap, at least {_FEWEST_FOLDS}",
            remedy="Give each nodule the fold of its patient; for annotated nodules use fewer folds or more patients.",
        )
    return len(folds)


def train_fold(
    plan: TrainingPlan,
    samples: tuple[NoduleSample, ...],
    out: Path,
    /,
    *,
    fold: int,
    host: Host,
) -> TrainingRecord:
    """Train with one fold left out for testing, and write everything that shows how.

    :implements: SRS-TRAIN-009, SRS-TRAIN-012, SDS-TRAIN-009

    Called again after an interruption it goes on; called again after the end it gives the record.

    Parameters
    ----------
    plan
        The plan.
    samples
        Its data.
    out
        Gets ``plan.json``, ``split.json``, ``leakage.json``, ``checkpoints/``, ``curves.csv``, ``curves.png`` and
        ``record.json``.
    fold
        The fold that is left out.
    host
        Processes, clock and watcher.

    Raises
    ------
    DataLeakageError
        If anything stands in two parts.
    CheckpointMismatchError
        If ``out`` belongs to another plan.
    """
    _require_same_plan(plan, out)
    done = out / "record.json"
    if done.exists():
        return TrainingRecord.model_validate_json(done.read_bytes())
    split = split_by_fold(samples, test_fold=fold, folds=count_folds(samples))
    proof = prove_no_leakage(samples, split)
    if host.processes.rank == 0:
        for name, value in (("plan", plan), ("split", split), ("leakage", proof)):
            write_whole(out / f"{name}.json", value.model_dump_json(indent=1) + "\n")
    data = TrainingData(train=split.samples(samples, Part.TRAIN), validation=split.samples(samples, Part.VALIDATION))
    state = fit(plan, data, checkpoints_of(out), processes=host.processes, watch=host.watch)
    trainee, best = best_trainee(plan, out, best_epoch=state.best_epoch)
    record = TrainingRecord(
        plan=plan,
        plan_sha256=plan_sha256(plan),
        spec_sha256=spec_sha256(plan.spec),
        parameters=sum(parameter.numel() for parameter in trainee.net.parameters()),
        data_sha256=proof.images_sha256,
        split_proof=proof,
        versions=package_versions(),
        hardware=describe_hardware(device=plan.compute.device, processes=host.processes.count),
        rows=state.rows,
        best_epoch=state.best_epoch,
        weights_sha256=best.weights_sha256,
        finished_at=host.clock().isoformat(timespec="seconds"),
    )
    if host.processes.rank == 0:
        write_whole(out / "curves.csv", curves_csv(state.rows))
        write_whole(out / "curves.png", curves_png(state.rows))
        write_whole(out / "record.json", record.model_dump_json(indent=1) + "\n")
    return record


def checkpoints_of(out: Path, /) -> Path:
    """Return the folder of a run's checkpoints.

    :implements: SRS-TRAIN-010, SDS-TRAIN-007

    Parameters
    ----------
    out
        The run's folder.
    """
    return out / "checkpoints"


def best_trainee(plan: TrainingPlan, out: Path, /, *, best_epoch: int) -> tuple[Trainee, CheckpointState]:
    """Load the weights of a run's best epoch.

    :implements: SRS-TRAIN-010, SDS-TRAIN-007

    Parameters
    ----------
    plan
        The plan.
    out
        The run's folder.
    best_epoch
        From its state or record.

    Raises
    ------
    CheckpointMismatchError
        If the checkpoint is absent, damaged or of another spec.
    """
    trainee = new_trainee(plan)
    state = load_weights(checkpoints_of(out) / f"epoch-{best_epoch:04d}", module=trainee, spec=plan.spec)
    trainee.eval()
    return trainee, state


def _require_same_plan(plan: TrainingPlan, out: Path, /) -> None:
    echoed = out / "plan.json"
    if echoed.exists() and echoed.read_text(encoding="utf-8") != plan.model_dump_json(indent=1) + "\n":
        raise CheckpointMismatchError(
            "The output folder belongs to another plan.",
            where=str(echoed),
            allowed="the plan that the run was started with",
            remedy="Give that plan, or another output folder.",
        )
