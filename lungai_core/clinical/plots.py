"""Plots of a study: the same values give the same bytes, as PNG and SVG."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from lungai_core.clinical.bland_altman import MeasurementAgreement
    from lungai_core.clinical.froc import FrocCurve
    from lungai_core.clinical.roc import RocCurve
    from lungai_core.clinical.subgroups import SubgroupRow

__all__ = ["Plot", "plot_bland_altman", "plot_calibration", "plot_forest", "plot_froc", "plot_roc"]

_COLOURS = ("#1f5fa8", "#c2571a", "#2c7d4f", "#7a4ea3")


@dataclass(frozen=True, slots=True)
class Plot:
    """A finished plot.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Parameters
    ----------
    name
        File name without ending.
    title
        What it shows, in words: the alternative text.
    png, svg
        The files.
    """

    name: str
    title: str
    png: bytes
    svg: bytes


def plot_roc(curves: Sequence[tuple[str, RocCurve]], /, *, mark: str = "") -> Plot:
    """Draw empirical ROC curves.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Parameters
    ----------
    curves
        Name and curve of each.
    mark
        Text across the plot, such as "SYNTHETIC DATA".
    """
    figure, axes = _new(mark)
    for number, (name, curve) in enumerate(curves):
        axes.plot(curve.false_positive_rate, curve.sensitivity, color=_COLOURS[number % len(_COLOURS)], label=name)
    axes.plot((0, 1), (0, 1), color="#9aa3ad", linewidth=0.8, linestyle=":")
    axes.set(xlabel="1 - specificity", ylabel="Sensitivity", xlim=(0, 1), ylim=(0, 1.005), aspect="equal")
    axes.legend(loc="lower right", frameon=False)
    return _finish(figure, "roc", "ROC curves: " + ", ".join(name for name, _ in curves))


def plot_froc(curves: Sequence[tuple[str, FrocCurve]], /, *, mark: str = "") -> Plot:
    """Draw FROC curves over 1/8 to 8 false positives a scan.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Parameters
    ----------
    curves, mark
        As for :func:`plot_roc`.
    """
    figure, axes = _new(mark)
    for number, (name, curve) in enumerate(curves):
        colour = _COLOURS[number % len(_COLOURS)]
        axes.step(curve.false_positives_per_scan, curve.sensitivity, where="post", color=colour, label=name)
    ticks = (0.125, 0.25, 0.5, 1, 2, 4, 8)
    axes.set(xlabel="False positives a scan", ylabel="Sensitivity", xscale="log", xlim=(0.125, 8), ylim=(0, 1.005))
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="lower right", frameon=False)
    return _finish(figure, "froc", "FROC curves: " + ", ".join(name for name, _ in curves))


def plot_calibration(
    bins: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], /, *, mark: str = ""
) -> Plot:
    """Draw a reliability diagram.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Parameters
    ----------
    bins
        From :func:`lungai_core.clinical.calibration.reliability_bins`.
    mark
        As for :func:`plot_roc`.
    """
    sizes, predicted, observed = bins
    figure, axes = _new(mark)
    axes.plot((0, 1), (0, 1), color="#9aa3ad", linewidth=0.8, linestyle=":")
    axes.scatter(predicted, observed, s=12 + 120 * sizes / sizes.max(), color=_COLOURS[0], alpha=0.8)
    axes.set(xlabel="Mean predicted probability", ylabel="Observed rate", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    return _finish(figure, "calibration", "Reliability diagram; the area of a point is its number of cases")


def plot_bland_altman(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    /,
    *,
    agreement: MeasurementAgreement,
    unit: str,
    mark: str = "",
) -> Plot:
    """Draw differences against means with bias and limits of agreement.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Parameters
    ----------
    first, second
        The measurements.
    agreement
        From :func:`lungai_core.clinical.bland_altman.bland_altman`.
    unit
        Of the measurements, such as "mm".
    mark
        As for :func:`plot_roc`.
    """
    figure, axes = _new(mark)
    axes.scatter((first + second) / 2, first - second, s=14, color=_COLOURS[0], alpha=0.7)
    for interval, style in ((agreement.bias, "-"), (agreement.lower_limit, "--"), (agreement.upper_limit, "--")):
        axes.axhline(interval.estimate, color="#1b1f24", linewidth=1, linestyle=style)
        axes.axhspan(interval.lower, interval.upper, color="#9aa3ad", alpha=0.2, linewidth=0)
    axes.set(xlabel=f"Mean, {unit}", ylabel=f"Difference, {unit}")
    return _finish(figure, "bland_altman", "Bland-Altman plot with bias, limits of agreement and their intervals")


def plot_forest(rows: Sequence[SubgroupRow], /, *, quantity: str, mark: str = "") -> Plot:
    """Draw the interval of each subgroup; one without an interval keeps its line.

    :implements: SRS-CLIN-017, SRS-CLIN-020, SDS-CLIN-017

    Parameters
    ----------
    rows
        Subgroups.
    quantity
        What the intervals are of.
    mark
        As for :func:`plot_roc`.
    """
    figure, axes = _new(mark, height=1.2 + 0.42 * len(rows))
    labels = []
    for place, row in enumerate(reversed(rows)):
        labels.append(f"{row.variable}: {row.level} (n = {row.n_units}, {row.n_patients} patients)")
        if row.interval is not None:
            axes.plot((row.interval.lower, row.interval.upper), (place, place), color=_COLOURS[0], linewidth=1.6)
            axes.plot(row.interval.estimate, place, marker="s", color=_COLOURS[0], markersize=5)
        else:
            axes.text(0.5, place, row.note, fontsize=8, va="center", ha="center", transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel=quantity, ylim=(-0.6, len(labels) - 0.4))
    return _finish(figure, "forest", f"Forest plot of {quantity} by subgroup")


def _new(mark: str, *, height: float = 4.2) -> tuple[Figure, Axes]:
    try:
        from matplotlib.figure import Figure as NewFigure  # noqa: PLC0415 - heavy, and of an extra
    except ImportError as error:
        raise MissingDependencyError(
            "Plots need matplotlib, which is not installed.",
            where="lungai_core.clinical.plots",
            allowed="matplotlib >= 3.10, < 4",
            remedy='pip install "lungai-core[clinical]"',
        ) from error
    # A Figure without pyplot: no display, no global state.
    figure = NewFigure(figsize=(5.6, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    if mark:
        axes.set_title(mark, fontsize=10, color="#8a6200", loc="left")
        text = axes.text(0.5, 0.5, mark, fontsize=22, color="#e3e6ea", rotation=24, zorder=0.5)
        text.set(horizontalalignment="center", verticalalignment="center", transform=axes.transAxes)
    return figure, axes


def _finish(figure: Figure, name: str, title: str) -> Plot:
    from matplotlib import rc_context  # noqa: PLC0415  # heavy, and an extra

    png, svg = io.BytesIO(), io.BytesIO()
    # A fixed salt for identifiers and no date: the same values give the same bytes.
    with rc_context({"svg.hashsalt": "lungai", "svg.fonttype": "none"}):
        figure.savefig(png, format="png", dpi=150, metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return Plot(name=name, title=title, png=png.getvalue(), svg=svg.getvalue())
