"""A number with its interval, its n and its method: what every evaluation of the training area gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from lungai_core.clinical.clustered import cluster_bootstrap
from lungai_core.clinical.roc import roc_data
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import NotEstimableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lungai_core.training.predictions import Prediction

__all__ = ["EvaluatedFigure", "FigureMaker", "area", "mean", "render_figures"]

_REPLICATES = 1000
_FEWEST_BOOTSTRAP_SHARE = 0.95


class EvaluatedFigure(FrozenModel):
    """One number with its interval, its n and how it was computed.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    ``who`` is the network, a baseline, a reader or a difference, ``label`` the truth it is measured against. The
    interval is the 2.5 % to 97.5 % percentile of a bootstrap over patients, unless ``method`` says otherwise; ``None``
    where it does not exist.
    """

    data_set: str
    who: Literal[
        "network",
        "diameter alone",
        "diameter and HU, boosted",
        "network minus diameter alone",
        "second minus first",
        "one reader",
        "network minus one reader",
        "another annotation",
        "network minus another annotation",
    ]
    name: str
    label: str
    value: float
    interval_95: tuple[float, float] | None
    p_value: float | None = None
    n: Annotated[int, Field(ge=1)]
    patients: Annotated[int, Field(ge=1)]
    unit: Literal["nodules"] = "nodules"
    method: str


class FigureMaker:
    """Figures of one set of nodules, all with the same bootstrap samples of their patients.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Parameters
    ----------
    own
        The predictions; one that stands several times counts as one nodule.
    data_set, label
        Of the figures.
    seed
        Of the bootstrap.
    """

    def __init__(self, own: Sequence[Prediction], data_set: str, label: str, seed: int, /) -> None:
        patients = {patient: index for index, patient in enumerate(dict.fromkeys(p.patient_id for p in own))}
        self._codes = np.asarray([patients[p.patient_id] for p in own])
        self._weights = cluster_bootstrap(len(patients), replicates=_REPLICATES, seed=seed)
        self._common = {
            "data_set": data_set,
            "label": label,
            "n": len({p.sample_id for p in own}),
            "patients": len(patients),
        }

    def plain(self, who: str, name: str, value: float, method: str, /) -> EvaluatedFigure:
        """Make a figure without an interval.

        :implements: SRS-TRAIN-013, SDS-TRAIN-010
        """
        return EvaluatedFigure.model_validate(
            {**self._common, "who": who, "name": name, "value": value, "interval_95": None, "method": method}
        )

    def figure(self, who: str, name: str, statistic: Callable[[NDArray[np.intp]], float], /) -> EvaluatedFigure:
        """Make a figure with its bootstrap interval; ``statistic`` is given the places of the rows to count.

        :implements: SRS-TRAIN-013, SDS-TRAIN-010
        """
        every = np.arange(self._codes.size)
        found = []
        for weights in self._weights:
            try:
                found.append(statistic(np.repeat(every, weights[self._codes])))
            except NotEstimableError:
                # A sample of patients may hold one class only; it says nothing about an area.
                continue
        figure = self.plain(who, name, statistic(every), "bootstrap over patients, percentiles")
        if len(found) < _FEWEST_BOOTSTRAP_SHARE * _REPLICATES:
            return figure
        lower, upper = np.percentile(found, [2.5, 97.5]).tolist()
        return figure.model_copy(update={"interval_95": (lower, upper)})


def area(score: NDArray[np.float64], truth: NDArray[np.int64], /) -> Callable[[NDArray[np.intp]], float]:
    """Give the area under the ROC curve as a statistic of rows.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010
    """
    return lambda at: roc_data(score[at], truth=truth[at]).auc


def mean(values: NDArray[np.float64] | NDArray[np.bool_], /) -> Callable[[NDArray[np.intp]], float]:
    """Give the mean as a statistic of rows.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010
    """
    return lambda at: float(values[at].mean())


def render_figures(figures: Sequence[EvaluatedFigure], /) -> str:
    """Render figures as a Markdown table.

    :implements: SRS-TRAIN-013, SRS-TRAIN-018, SDS-TRAIN-010

    Parameters
    ----------
    figures
        One row each.
    """
    lines = [
        "| data set | who | figure | label | value | 95 % interval | p | n (patients) | method |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for figure in figures:
        interval = "–" if figure.interval_95 is None else f"{figure.interval_95[0]:.3f} to {figure.interval_95[1]:.3f}"
        p_value = "–" if figure.p_value is None else f"{figure.p_value:.2g}"
        lines.append(
            f"| {figure.data_set} | {figure.who} | {figure.name} | {figure.label} | {figure.value:.3f} | {interval} "
            f"| {p_value} | {figure.n} ({figure.patients}) | {figure.method} |"
        )
    return "\n".join(lines) + "\n"
