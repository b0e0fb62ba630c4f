"""Several lesions of one patient: the versions that remember it. Without patient identifiers they refuse."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import as_binary, bad_data, check_confidence, not_estimable, same_length, two_sided_z
from lungai_core.clinical._distributions import chi2_sf, normal_quantile
from lungai_core.clinical.results import HypothesisTest, Interval
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import PatientIdsMissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ClusteredMcNemarMethod",
    "ClusteredMethod",
    "ClusteredProportion",
    "cluster_bootstrap",
    "clustered_mcnemar",
    "lesion_difference",
    "lesion_proportion",
    "patient_codes",
]


class ClusteredMethod(StrEnum):
    """How the interval of a clustered proportion is computed.

    :implements: SRS-CLIN-004, SDS-CLIN-004
    """

    LOGIT = "ratio estimator, logit (Rao and Scott 1992)"
    WALD = "ratio estimator, Wald (Cochran 1977)"
    SAHA_WILSON = "Wilson with ANOVA intra-cluster correlation (Saha, Miller and Wang 2016)"


class ClusteredMcNemarMethod(StrEnum):
    """How two decisions on clustered lesions are compared.

    :implements: SRS-CLIN-004, SDS-CLIN-004
    """

    OBUCHOWSKI = "Obuchowski 1998"
    DURKALSKI = "Durkalski 2003"
    YANG = "Yang, Sun and Hardin 2010"
    ELIASZIW = "Eliasziw and Donner 1991"


class ClusteredProportion(FrozenModel):
    """A lesion-level proportion with what its clustering did to it.

    :implements: SRS-CLIN-004, SDS-CLIN-004

    ``design_effect`` is the variance over that of independent lesions; ``icc`` the ANOVA intra-cluster correlation.
    """

    interval: Interval
    n_lesions: int
    n_patients: int
    standard_error: float
    design_effect: float
    icc: float


def lesion_proportion(
    successes: ArrayLike,
    /,
    *,
    patient_ids: Sequence[str] | None,
    method: ClusteredMethod = ClusteredMethod.LOGIT,
    confidence: float = 0.95,
) -> ClusteredProportion:
    """Compute the interval of a proportion of lesions that share patients, such as lesion-level sensitivity.

    :implements: SRS-CLIN-004, SDS-CLIN-004

    Source: Rao JNK, Scott AJ, Biometrics 1992;48:577 (ratio estimator); Saha KK, Miller D, Wang S, Stat Methods Med Res
    2016;25:2036 (Wilson); ICC by analysis of variance (Fleiss 1981).

    Parameters
    ----------
    successes
        ``(lesions,)`` of 0 and 1.
    patient_ids
        The patient (pseudonym) of each lesion.
    method
        The interval; the logit of the ratio estimator if absent.
    confidence
        Two-sided nominal coverage.

    Raises
    ------
    PatientIdsMissingError
        If ``patient_ids`` is ``None``.
    NotEstimableError
        If there are fewer than two patients.
    """
    hits = as_binary(successes, name="successes")
    codes, patients = patient_codes(patient_ids, n_lesions=hits.size)
    if patients < 2:  # a variance between patients needs two
        raise not_estimable(
            "A variance between patients cannot be estimated.",
            where=f"{patients} patient",
            allowed="at least 2 patients",
        )
    events = np.bincount(codes, weights=hits, minlength=patients).astype(np.float64)
    sizes = np.bincount(codes, minlength=patients).astype(np.float64)
    total = sizes.sum()
    rate = float(events.sum() / total)
    variance = float(patients / (patients - 1) * np.sum((events - rate * sizes) ** 2) / total**2)
    icc = _anova_icc(events, sizes)
    lower, upper = _INTERVALS[method](rate, variance, icc, sizes, check_confidence(confidence))
    independent = rate * (1 - rate) / total
    return ClusteredProportion(
        interval=Interval(estimate=rate, lower=lower, upper=upper, confidence=confidence, method=method.value),
        n_lesions=int(total),
        n_patients=patients,
        standard_error=math.sqrt(variance),
        design_effect=variance / independent if independent > 0 else 1.0,
        icc=icc,
    )


def lesion_difference(
    first: ArrayLike, second: ArrayLike, /, *, patient_ids: Sequence[str] | None, confidence: float = 0.95
) -> Interval:
    """Compute the interval of the difference of two decisions on the same lesions, by patients.

    :implements: SRS-CLIN-004, SDS-CLIN-004

    Ratio estimator of the per-patient difference, Wald (Obuchowski NA, Stat Med 1998;17:1495, eq. 4).

    Parameters
    ----------
    first, second
        ``(lesions,)`` of 0 and 1; the difference is first minus second.
    patient_ids
        The patient of each lesion.
    confidence
        Two-sided nominal coverage.

    Raises
    ------
    PatientIdsMissingError
        If ``patient_ids`` is ``None``.
    """
    a, b = as_binary(first, name="first"), as_binary(second, name="second")
    same_length(a, b, names="first and second")
    codes, patients = patient_codes(patient_ids, n_lesions=a.size)
    differences = np.bincount(codes, weights=a.astype(np.float64) - b, minlength=patients)
    sizes = np.bincount(codes, minlength=patients)
    if patients < 2:  # a variance between patients needs two
        raise not_estimable("A variance between patients cannot be estimated.", where="1 patient", allowed="at least 2")
    estimate = float(differences.sum() / sizes.sum())
    variance = patients / (patients - 1) * np.sum((differences - estimate * sizes) ** 2) / sizes.sum() ** 2
    half = two_sided_z(confidence) * math.sqrt(variance)
    return Interval(
        estimate=estimate,
        lower=max(-1.0, estimate - half),
        upper=min(1.0, estimate + half),
        confidence=confidence,
        method="clustered paired difference, ratio estimator (Obuchowski 1998)",
    )


def clustered_mcnemar(
    first: ArrayLike,
    second: ArrayLike,
    /,
    *,
    patient_ids: Sequence[str] | None,
    method: ClusteredMcNemarMethod = ClusteredMcNemarMethod.OBUCHOWSKI,
) -> HypothesisTest:
    """Test whether two decisions on the same lesions are equally often positive, by patients.

    :implements: SRS-CLIN-004, SDS-CLIN-004

    Source: Obuchowski NA, Stat Med 1998;17:1495; Durkalski VL et al., Stat Med 2003;22:2417; Yang Z, Sun X, Hardin JW,
    Biom J 2010;52:638; Eliasziw M, Donner A, Stat Med 1991;10:1981.

    Parameters
    ----------
    first, second
        ``(lesions,)`` of 0 and 1.
    patient_ids
        The patient of each lesion.
    method
        The statistic; Obuchowski's if absent.

    Raises
    ------
    PatientIdsMissingError
        If ``patient_ids`` is ``None``.
    """
    a, b = as_binary(first, name="first"), as_binary(second, name="second")
    same_length(a, b, names="first and second")
    codes, patients = patient_codes(patient_ids, n_lesions=a.size)
    cells = np.stack(
        [np.bincount(codes, weights=cell, minlength=patients) for cell in (a & b, a & ~b, ~a & b, ~a & ~b)]
    ).astype(np.float64)
    if not (cells[1] != cells[2]).any():
        return HypothesisTest(statistic=0.0, p_value=1.0, method=method.value, df1=1)
    statistic = float(_MCNEMAR[method](cells))
    return HypothesisTest(statistic=statistic, p_value=chi2_sf(statistic, df=1), method=method.value, df1=1)


def cluster_bootstrap(n_patients: int, /, *, replicates: int, seed: int) -> NDArray[np.int64]:
    """Draw patients with replacement: how often each patient is in each bootstrap sample.

    :implements: SRS-CLIN-004, SDS-CLIN-004

    Source: Field CA, Welsh AH, J R Stat Soc B 2007;69:369 (cluster bootstrap).

    Parameters
    ----------
    n_patients
        Number of patients.
    replicates
        Number of samples.
    seed
        Seed of the generator; the same seed gives the same weights.

    Returns
    -------
    numpy.ndarray
        ``(replicates, n_patients)`` int64 weights; each row sums to ``n_patients``.
    """
    generator = np.random.default_rng(seed)
    return generator.multinomial(n_patients, np.full(n_patients, 1 / n_patients), size=replicates)


def patient_codes(patient_ids: Sequence[str] | None, /, *, n_lesions: int) -> tuple[NDArray[np.intp], int]:
    """Give numbers to the patients of a list of lesions.

    :implements: SRS-CLIN-004, SDS-CLIN-004

    Parameters
    ----------
    patient_ids
        The patient of each lesion.
    n_lesions
        How many there must be.

    Returns
    -------
    tuple
        ``(n_lesions,)`` codes from 0, and the number of patients.

    Raises
    ------
    PatientIdsMissingError
        If ``patient_ids`` is ``None``.
    StudyDataError
        If there is not one identifier a lesion.
    """
    if patient_ids is None:
        raise PatientIdsMissingError(
            "A lesion-level interval needs the patient of each lesion.",
            where="patient_ids",
            allowed="one pseudonym for each lesion",
            remedy="Give patient_ids; an interval that ignores the correlation within patients is too narrow.",
        )
    if len(patient_ids) != n_lesions:
        raise bad_data(
            f"{n_lesions} lesions have {len(patient_ids)} patient identifiers.",
            where="patient_ids",
            allowed="one a lesion",
        )
    names, codes = np.unique(np.asarray(patient_ids, dtype=np.str_), return_inverse=True)
    return codes, int(names.size)


def _anova_icc(events: NDArray[np.float64], sizes: NDArray[np.float64]) -> float:
    total, patients = sizes.sum(), sizes.size
    if total <= patients:
        return 0.0
    typical = (total - np.sum(sizes**2) / total) / (patients - 1)
    between = (np.sum(events**2 / sizes) - events.sum() ** 2 / total) / (patients - 1)
    within = (events.sum() - np.sum(events**2 / sizes)) / (total - patients)
    spread = between + (typical - 1) * within
    return float((between - within) / spread) if spread > 0 else 0.0


def _wald(
    rate: float, variance: float, _icc: float, _sizes: NDArray[np.float64], confidence: float
) -> tuple[float, float]:
    half = two_sided_z(confidence) * math.sqrt(variance)
    return max(0.0, rate - half), min(1.0, rate + half)


def _logit(
    rate: float, variance: float, icc: float, sizes: NDArray[np.float64], confidence: float
) -> tuple[float, float]:
    if variance <= 0 or rate in {0.0, 1.0}:
        # All lesions alike: the logit does not exist, and Wilson's interval on the patients is the honest limit.
        return _saha_wilson(rate, variance, max(icc, 1.0), sizes, confidence)
    half = two_sided_z(confidence) * math.sqrt(variance) / (rate * (1 - rate))
    centre = math.log(rate / (1 - rate))
    return 1 / (1 + math.exp(half - centre)), 1 / (1 + math.exp(-half - centre))


def _saha_wilson(
    rate: float, _variance: float, icc: float, sizes: NDArray[np.float64], confidence: float
) -> tuple[float, float]:
    inflation = 1 + (float(np.sum(sizes**2) / sizes.sum()) - 1) * icc
    z2 = normal_quantile(0.5 + confidence / 2) ** 2 * inflation
    total = float(sizes.sum())
    centre = (rate * total + z2 / 2) / (total + z2)
    half = math.sqrt(z2) * math.sqrt(total * rate * (1 - rate) + z2 / 4) / (total + z2)
    return max(0.0, centre - half), min(1.0, centre + half)


def _obuchowski(cells: NDArray[np.float64]) -> float:
    difference = cells[1] - cells[2]
    patients = difference.size
    return float((patients - 1) / patients * difference.sum() ** 2 / np.sum(difference**2))


def _durkalski(cells: NDArray[np.float64]) -> float:
    difference = (cells[1] - cells[2]) / cells.sum(axis=0)
    return float(difference.sum() ** 2 / np.sum(difference**2))


def _yang(cells: NDArray[np.float64]) -> float:
    sizes = cells.sum(axis=0)
    difference = cells[1] - cells[2]
    residual = difference - sizes * difference.sum() / sizes.sum()
    patients = difference.size
    return float((patients - 1) / patients * difference.sum() ** 2 / (np.sum(residual**2 + difference**2) / 2))


def _eliasziw(cells: NDArray[np.float64]) -> float:
    sizes, patients = cells.sum(axis=0), cells.shape[1]
    mean = sizes.mean()
    between = np.sum((cells - sizes * (cells.sum(axis=1) / sizes.sum())[:, None]) ** 2 / sizes) / patients
    within = np.sum(cells * (sizes - cells) / sizes) / (patients * (mean - 1))
    typical = mean - np.sum((sizes - mean) ** 2) / (patients * (patients - 1) * mean)
    rho = (between - within) / (between + (typical - 1) * within)
    discordant = cells[1] + cells[2]
    share = discordant.sum() / sizes.sum()
    rho_discordant = 1 / (1 + share * (1 - rho) / rho)
    having = np.count_nonzero(discordant)
    mean_discordant = discordant.sum() / having
    # The patients without a discordant lesion add (0 - mean)^2 each, which the formula takes out again.
    spread = np.sum((discordant - mean_discordant) ** 2) - (patients - having) * mean_discordant**2
    smaller = mean_discordant - spread / (having * (having - 1) * mean_discordant)
    typical_discordant = smaller + having * (mean_discordant - smaller)
    naive = (cells[1].sum() - cells[2].sum()) ** 2 / discordant.sum()
    return float(naive / (1 + (typical_discordant - 1) * rho_discordant))


_INTERVALS = {
    ClusteredMethod.LOGIT: _logit,
    ClusteredMethod.WALD: _wald,
    ClusteredMethod.SAHA_WILSON: _saha_wilson,
}
_MCNEMAR = {
    ClusteredMcNemarMethod.OBUCHOWSKI: _obuchowski,
    ClusteredMcNemarMethod.DURKALSKI: _durkalski,
    ClusteredMcNemarMethod.YANG: _yang,
    ClusteredMcNemarMethod.ELIASZIW: _eliasziw,
}
