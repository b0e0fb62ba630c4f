"""What a training run leaves behind: curves for people, a record for the evidence tower."""

from __future__ import annotations

import csv
import io
import os
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from pydantic import Field

from lungai_core import __version__
from lungai_core.domain.model import FrozenModel
from lungai_core.training.checkpoint import EpochRow
from lungai_core.training.plan import TrainingPlan
from lungai_core.training.split import LeakageProof

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Hardware", "TrainingRecord", "curves_csv", "curves_png", "describe_hardware", "package_versions"]

_PACKAGES = ("torch", "monai", "numpy", "nibabel", "safetensors", "scikit-learn")


class Hardware(FrozenModel):
    """The machine of a run; nothing that names it.

    :implements: SRS-TRAIN-012, SDS-TRAIN-009
    """

    machine: str
    system: str
    python: str
    cpus: Annotated[int, Field(ge=1)]
    accelerator: str | None
    processes: Annotated[int, Field(ge=1)]


class TrainingRecord(FrozenModel):
    """A whole run: plan, data, split, versions, hardware, curves, result.

    :implements: SRS-TRAIN-012, SDS-TRAIN-009

    ``data_sha256`` is the hash of the split's images and ``split_proof`` what was compared between its parts.
    ``weights_sha256`` is that of the best epoch's weights. ``finished_at`` and the rows' ``wall_seconds`` are the only
    fields that differ between two runs of one plan on one machine.
    """

    schema_version: Literal["lungai-training-record/1"] = "lungai-training-record/1"
    plan: TrainingPlan
    plan_sha256: str
    spec_sha256: str
    parameters: int
    data_sha256: str
    split_proof: LeakageProof
    versions: tuple[tuple[str, str], ...]
    hardware: Hardware
    rows: tuple[EpochRow, ...]
    best_epoch: int
    weights_sha256: str
    finished_at: str


def package_versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of the packages that decide the weights.

    :implements: SRS-TRAIN-012, SDS-TRAIN-009
    """
    return (("lungai-core", __version__), *((name, version(name)) for name in _PACKAGES))


def describe_hardware(*, device: str, processes: int) -> Hardware:
    """Describe the machine that a run was made on.

    :implements: SRS-TRAIN-012, SDS-TRAIN-009

    Parameters
    ----------
    device
        ``cpu`` or ``cuda``.
    processes
        How many trained together.
    """
    return Hardware(
        machine=platform.machine(),
        system=platform.system(),
        python=platform.python_version(),
        cpus=os.cpu_count() or 1,
        accelerator=torch.cuda.get_device_name() if device == "cuda" else None,
        processes=processes,
    )


def curves_csv(rows: Sequence[EpochRow], /) -> str:
    """Write the curves as CSV, one row an epoch.

    :implements: SRS-TRAIN-012, SDS-TRAIN-009

    Parameters
    ----------
    rows
        The epochs.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(EpochRow.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.model_dump() for row in rows)
    return stream.getvalue()


def curves_png(rows: Sequence[EpochRow], /) -> bytes:
    """Draw losses, AUC and Dice, and the diameter's error over the epochs.

    :implements: SRS-TRAIN-012, SDS-TRAIN-009

    Parameters
    ----------
    rows
        The epochs.

    Returns
    -------
    bytes
        A PNG without date or software name.
    """
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3)
    panels = (
        ("loss", ("train_total", "validation_total", "validation_malignancy", "validation_mask")),
        ("validation", ("validation_auc", "validation_dice")),
        ("mm", ("validation_mae_mm",)),
    )
    epochs = [row.epoch for row in rows]
    for axis, (title, names) in zip(axes, panels, strict=True):
        for name in names:
            values = [getattr(row, name) for row in rows]
            axis.plot(epochs, [float("nan") if value is None else value for value in values], marker=".", label=name)
        axis.set(xlabel="epoch", title=title)
        axis.legend(fontsize="small")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
