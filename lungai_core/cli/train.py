"""The verb ``lungai train``."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from lungai_core.training.loop import Step

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb ``train``.

    :implements: SRS-TRAIN-014, SDS-TRAIN-011

    Parameters
    ----------
    app
        The application.
    """
    app.command("train")(_train)


def _train(
    *,
    plan: Annotated[Path, typer.Option(help="The training plan, a TOML file.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run in it goes on.")],
    fold: Annotated[int, typer.Option(min=0, help="The fold that is left out for testing.")] = 0,
    cross_validate: Annotated[
        bool, typer.Option("--cross-validate", help="Train once a fold and evaluate out of fold.")
    ] = False,
) -> None:
    """Train the network from a plan. Under torchrun, several processes train together."""
    # First of all, so that an installation without the extra `train` is told of that one and not of a part of it.
    import_module("torch")
    from lungai_core.training.crossval import cross_validate as run_all
    from lungai_core.training.figures import render_figures
    from lungai_core.training.plan import read_plan
    from lungai_core.training.processes import joined_processes
    from lungai_core.training.run import Host, load_samples, train_fold

    read = read_plan(plan)
    samples = load_samples(read, base=plan.resolve().parent)
    with joined_processes(read.compute.device) as processes, _progress(shown=processes.rank == 0) as progress:
        host = Host(processes=processes, clock=lambda: datetime.now(UTC), watch=_Watcher(progress))
        if cross_validate:
            text = render_figures(run_all(read, samples, out, host=host).figures)
        else:
            record = train_fold(read, samples, out, fold=fold, host=host)
            best = record.rows[record.best_epoch - 1]
            text = (
                f"{out}: best epoch {record.best_epoch} of {len(record.rows)}, validation AUC {best.validation_auc}, "
                f"Dice {best.validation_dice}, MAE {best.validation_mae_mm} mm\n"
                f"weights SHA-256 {record.weights_sha256}\n"
            )
        if processes.rank == 0:
            typer.echo(text, nl=False)


def _progress(*, shown: bool) -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
        console=console,
        disable=not (shown and console.is_terminal),
    )


class _Watcher:
    def __init__(self, progress: Progress, /) -> None:
        self._progress = progress
        self._task = progress.add_task("training", total=None, losses="")

    def __call__(self, step: Step, /) -> None:
        losses = f"loss {step.total:.3f} malignancy {step.malignancy:.3f} mask {step.mask:.3f} mm {step.diameter:.2f}"
        self._progress.update(
            self._task,
            description=f"epoch {step.epoch}/{step.epochs}",
            total=step.steps,
            completed=step.step,
            losses=losses,
        )
