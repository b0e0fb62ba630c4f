"""The same statistic in each subgroup, with a test of whether the subgroups differ."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import not_estimable, two_sided_z
from lungai_core.clinical._distributions import chi2_sf
from lungai_core.clinical.clustered import lesion_proportion
from lungai_core.clinical.results import HypothesisTest, Interval
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

__all__ = ["SubgroupRow", "heterogeneity_test", "subgroup_proportions"]


class SubgroupRow(FrozenModel):
    """One subgroup of a forest plot.

    :implements: SRS-CLIN-020, SDS-CLIN-020

    ``interval`` is ``None`` where it does not exist, and ``note`` says why: a subgroup never disappears.
    """

    variable: str
    level: str
    n_units: int
    n_patients: int
    interval: Interval | None
    note: str = ""


def subgroup_proportions(
    successes: ArrayLike,
    /,
    *,
    patient_ids: Sequence[str],
    groups: Sequence[str],
    variable: str,
    confidence: float = 0.95,
) -> tuple[SubgroupRow, ...]:
    """Compute a proportion, such as sensitivity, in each subgroup, by patients.

    :implements: SRS-CLIN-020, SDS-CLIN-020

    Ratio estimator with logit limits in each subgroup (Rao and Scott 1992).

    Parameters
    ----------
    successes
        ``(units,)`` of 0 and 1.
    patient_ids, groups
        The patient and the subgroup of each unit.
    variable
        What the subgroups are levels of, such as "scanner".
    confidence
        Two-sided nominal coverage; not adjusted for the number of subgroups.
    """
    values, patients, levels = np.asarray(successes), np.asarray(patient_ids), np.asarray(groups)
    rows = []
    for level in np.unique(levels):
        chosen = levels == level
        names = [str(name) for name in patients[chosen]]
        count = len(set(names))
        interval = None
        if count > 1:
            interval = lesion_proportion(values[chosen], patient_ids=names, confidence=confidence).interval
        rows.append(
            SubgroupRow(
                variable=variable,
                level=str(level),
                n_units=int(chosen.sum()),
                n_patients=count,
                interval=interval,
                note="" if interval else "one patient: no interval",
            )
        )
    return tuple(rows)


def heterogeneity_test(rows: Sequence[SubgroupRow], /) -> HypothesisTest:
    """Test whether the subgroups have one common value.

    :implements: SRS-CLIN-020, SDS-CLIN-020

    Source: Cochran WG, Biometrics 1954;10:101, with the variances of the intervals' half-widths.

    Parameters
    ----------
    rows
        Subgroups with intervals, at least two.

    Raises
    ------
    NotEstimableError
        If fewer than two subgroups have an interval.
    """
    known = [row.interval for row in rows if row.interval is not None and row.interval.upper > row.interval.lower]
    if len(known) < 2:
        raise not_estimable("Subgroups cannot be compared.", where=f"{len(known)} subgroups", allowed="at least 2")
    estimates = np.asarray([one.estimate for one in known])
    errors = np.asarray([(one.upper - one.lower) / (2 * two_sided_z(one.confidence)) for one in known])
    weights = 1 / errors**2
    mean = float(weights @ estimates / weights.sum())
    q = float(weights @ (estimates - mean) ** 2)
    df = len(known) - 1
    return HypothesisTest(
        statistic=q if math.isfinite(q) else 0.0, p_value=chi2_sf(q, df=df), method="Cochran's Q", df1=df
    )
