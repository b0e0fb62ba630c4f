"""A reader study analysed under its locked plan; every result says how it was made."""

from __future__ import annotations

from importlib.metadata import version
from platform import python_version
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import two_sided_z
from lungai_core.clinical._distributions import normal_sf
from lungai_core.clinical.bland_altman import MeasurementAgreement, bland_altman
from lungai_core.clinical.clustered import lesion_difference, lesion_proportion
from lungai_core.clinical.froc import CpmResult, competition_metric, froc_curve
from lungai_core.clinical.mrmc import Generalisation, MrmcResult, obuchowski_rockette
from lungai_core.clinical.mrmc_covariance import auc_delong, auc_jackknife
from lungai_core.clinical.mrmc_ustat import ustat_difference
from lungai_core.clinical.plan import AnalysisKind, AnalysisPlan, Endpoint, PlanFile, require_locked
from lungai_core.clinical.results import HypothesisTest, Interval, Unit
from lungai_core.clinical.study import ReadTable, as_reader_study
from lungai_core.clinical.study_lesions import LesionTable, match_reader_marks, paired_sizes
from lungai_core.clinical.subgroups import SubgroupRow, subgroup_proportions
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import NotEstimableError, StudyFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "EndpointResult",
    "LocalisationResult",
    "ModalityResult",
    "Provenance",
    "SampleCounts",
    "StudyAnalysis",
    "analyse_study",
]

# The reference cases of verification/vectors/statistics that each analysis is verified with.
_REFERENCE_CASES = {
    AnalysisKind.AUC_OBUCHOWSKI_ROCKETTE: ("mrmc_or/synthetic2026_DeLong", "mrmc_or/synthetic2026_jackknife"),
    AnalysisKind.AUC_U_STATISTIC: ("mrmc_ustat/iMRMC_synthetic",),
    AnalysisKind.SENSITIVITY: ("clustered_proportion/liang1992_copd", "clustered_paired/synthetic_60_patients"),
    AnalysisKind.SPECIFICITY: ("clustered_proportion/liang1992_copd", "clustered_paired/synthetic_60_patients"),
}


class SampleCounts(FrozenModel):
    """How many of everything an analysis rests on.

    :implements: SRS-CLIN-016, SDS-CLIN-016
    """

    patients: int
    cases_diseased: int
    cases_non_diseased: int
    readers: int
    reads: int


class Provenance(FrozenModel):
    """What is needed to make a result again.

    :implements: SRS-CLIN-016, SDS-CLIN-016
    """

    plan_id: str
    plan_sha256: str
    alpha_two_sided: float
    seed: int
    versions: tuple[tuple[str, str], ...]


class ModalityResult(FrozenModel):
    """The value of one modality.

    :implements: SRS-CLIN-016, SDS-CLIN-016
    """

    modality: str
    interval: Interval


class EndpointResult(FrozenModel):
    """An endpoint's answer: test minus control, with method, unit, counts and provenance.

    :implements: SRS-CLIN-016, SDS-CLIN-016

    ``non_inferior`` is ``None`` without a margin; ``superior`` is decided by the interval, behind non-inferiority.
    """

    endpoint: Endpoint
    modalities: tuple[ModalityResult, ...]
    difference: Interval
    test: HypothesisTest
    unit: Unit
    counts: SampleCounts
    non_inferior: bool | None
    superior: bool
    reference_cases: tuple[str, ...]
    provenance: Provenance


class LocalisationResult(FrozenModel):
    """How well the readers of one modality found the nodules; all reads pooled, without an interval.

    :implements: SRS-CLIN-016, SDS-CLIN-016
    """

    modality: str
    reads: int
    nodules: int
    metric: CpmResult


class StudyAnalysis(FrozenModel):
    """All endpoints of a plan, in its order, with subgroups of the test modality's sensitivity.

    :implements: SRS-CLIN-016, SDS-CLIN-016

    ``alternatives`` shows the AUC difference by every method, side by side: the answer depends on the method.
    ``localisation`` is empty without marks; ``sizes`` is ``None`` without sizes, or where ``sizes_note`` says why.
    """

    plan: AnalysisPlan
    results: tuple[EndpointResult, ...]
    alternatives: tuple[tuple[str, Interval, float], ...]
    mrmc: MrmcResult | None
    subgroups: tuple[SubgroupRow, ...]
    localisation: tuple[LocalisationResult, ...] = ()
    sizes: MeasurementAgreement | None = None
    sizes_note: str = ""


def analyse_study(
    table: ReadTable, /, *, file: PlanFile, library_version: str, lesions: LesionTable | None = None
) -> StudyAnalysis:
    """Compute every endpoint of a locked plan.

    :implements: SRS-CLIN-015, SRS-CLIN-016, SDS-CLIN-016

    Parameters
    ----------
    table
        The reads.
    file
        The plan with its lock.
    library_version
        ``lungai_core.__version__``, for the provenance.
    lesions
        Marks with locations and nodules, where the study has them.

    Raises
    ------
    PlanStateError
        If the plan is not locked.
    PlanIntegrityError
        If the plan is not the one that was locked.
    StudyFileError
        If the study lacks a modality or a subgroup variable of the plan.
    """
    lock = require_locked(file)
    plan = file.plan
    provenance = Provenance(
        plan_id=plan.plan_id,
        plan_sha256=lock.plan_sha256,
        alpha_two_sided=plan.alpha_two_sided,
        seed=plan.seed,
        versions=(
            ("lungai-core", library_version),
            ("numpy", version("numpy")),
            ("python", python_version()),
            ("scipy", version("scipy")),
        ),
    )
    counts = _counts(table, plan)
    results = tuple(_endpoint(table, plan, endpoint, counts, provenance) for endpoint in plan.endpoints)
    aucs = [one for one in plan.endpoints if one.kind is AnalysisKind.AUC_OBUCHOWSKI_ROCKETTE]
    study = as_reader_study(table, modalities=(plan.test_modality, plan.control_modality)) if aucs else None
    sizes, sizes_note = _sizes(table, plan)
    return StudyAnalysis(
        plan=plan,
        results=results,
        alternatives=() if study is None else _alternatives(table, plan),
        mrmc=None if study is None else obuchowski_rockette(auc_delong(study), confidence=1 - plan.alpha_two_sided),
        subgroups=_subgroups(table, plan),
        localisation=() if lesions is None else _localisation(table, plan, lesions),
        sizes=sizes,
        sizes_note=sizes_note,
    )


def _localisation(table: ReadTable, plan: AnalysisPlan, lesions: LesionTable) -> tuple[LocalisationResult, ...]:
    rows = []
    for name in (plan.test_modality, plan.control_modality):
        data = match_reader_marks(lesions, table=table, modality=name)
        metric = competition_metric(froc_curve(data))
        rows.append(LocalisationResult(modality=name, reads=data.n_scans, nodules=data.hit_scores.size, metric=metric))
    return tuple(rows)


def _sizes(table: ReadTable, plan: AnalysisPlan) -> tuple[MeasurementAgreement | None, str]:
    if table.sizes_mm is None:
        return None, ""
    first, second = paired_sizes(table, modalities=(plan.test_modality, plan.control_modality))
    try:
        return bland_altman(first, second, confidence=1 - plan.alpha_two_sided), ""
    except NotEstimableError:
        return None, f"not estimable: {first.size} cases measured in both modalities, or sizes that do not vary"


def _counts(table: ReadTable, plan: AnalysisPlan) -> SampleCounts:
    used = np.isin(table.modalities, (plan.test_modality, plan.control_modality))
    return SampleCounts(
        patients=int(np.unique(table.patients[used]).size),
        cases_diseased=int(np.unique(table.cases[used & table.truth]).size),
        cases_non_diseased=int(np.unique(table.cases[used & ~table.truth]).size),
        readers=int(np.unique(table.readers[used]).size),
        reads=int(used.sum()),
    )


def _endpoint(
    table: ReadTable, plan: AnalysisPlan, endpoint: Endpoint, counts: SampleCounts, provenance: Provenance
) -> EndpointResult:
    compute = _rates if endpoint.kind in {AnalysisKind.SENSITIVITY, AnalysisKind.SPECIFICITY} else _auc
    modalities, difference, test = compute(table, plan, endpoint)
    non_inferior = None if endpoint.margin is None else difference.lower > -endpoint.margin
    return EndpointResult(
        endpoint=endpoint,
        modalities=modalities,
        difference=difference,
        test=test,
        unit=endpoint.unit,
        counts=counts,
        non_inferior=non_inferior,
        superior=non_inferior is not False and difference.lower > 0,
        reference_cases=_REFERENCE_CASES[endpoint.kind],
        provenance=provenance,
    )


def _auc(
    table: ReadTable, plan: AnalysisPlan, endpoint: Endpoint
) -> tuple[tuple[ModalityResult, ...], Interval, HypothesisTest]:
    names = (plan.test_modality, plan.control_modality)
    study = as_reader_study(table, modalities=names)
    confidence = 1 - plan.alpha_two_sided
    if endpoint.kind is AnalysisKind.AUC_U_STATISTIC:
        ustat = ustat_difference(study, confidence=confidence)
        one, other = ustat.first.bdg, ustat.second.bdg
        if ustat.bdg is None or ustat.test_bdg is None or one is None or other is None:
            raise StudyFileError(
                "The U-statistic's variance is not positive.",
                where=f"endpoint {endpoint.endpoint_id}",
                allowed="more readers or cases",
                remedy="Use Obuchowski-Rockette in a new plan, or collect more reads.",
            )
        figures = (one, other)
        difference, test = ustat.bdg, ustat.test_bdg
    else:
        result = obuchowski_rockette(auc_delong(study), confidence=confidence)
        figures = (result.figures[0], result.figures[1])
        difference, test = result.difference or result.figures[0], result.test
    return (
        tuple(ModalityResult(modality=name, interval=figure) for name, figure in zip(names, figures, strict=True)),
        difference,
        test,
    )


def _rates(
    table: ReadTable, plan: AnalysisPlan, endpoint: Endpoint
) -> tuple[tuple[ModalityResult, ...], Interval, HypothesisTest]:
    names = (plan.test_modality, plan.control_modality)
    wanted = table.truth if endpoint.kind is AnalysisKind.SENSITIVITY else ~table.truth
    paired, patients = _paired_calls(table, names, wanted, endpoint)
    confidence = 1 - plan.alpha_two_sided
    modalities = tuple(
        ModalityResult(
            modality=name,
            interval=lesion_proportion(calls, patient_ids=patients, confidence=confidence).interval,
        )
        for name, calls in zip(names, paired, strict=True)
    )
    difference = lesion_difference(paired[0], paired[1], patient_ids=patients, confidence=confidence)
    # Patients are the clusters; the result holds for these readers, and says so.
    named = difference.model_copy(update={"method": f"{difference.method}, readers fixed"})
    return modalities, named, _wald_test(named)


def _paired_calls(
    table: ReadTable, names: tuple[str, str], wanted: NDArray[np.bool_], endpoint: Endpoint
) -> tuple[tuple[NDArray[np.bool_], NDArray[np.bool_]], list[str]]:
    """Give the correct calls of both modalities for every read that was made in both, with the patient of each."""
    positive_is_right = endpoint.kind is AnalysisKind.SENSITIVITY
    calls = (table.scores >= (endpoint.threshold or 0.0)) == positive_is_right
    keys = [f"{reader}\t{case}" for reader, case in zip(table.readers, table.cases, strict=True)]
    rows: list[dict[str, int]] = []
    for name in names:
        chosen = np.flatnonzero(wanted & (table.modalities == name))
        rows.append({keys[index]: int(index) for index in chosen})
    common = sorted(set(rows[0]) & set(rows[1]))
    if not common:
        raise StudyFileError(
            "No read was made in both modalities.",
            where=f"endpoint {endpoint.endpoint_id}",
            allowed="a paired study: the same reader and case in both modalities",
            remedy="Name the cases alike in both modalities.",
        )
    first, second = (np.asarray([row[key] for key in common]) for row in rows)
    return (calls[first], calls[second]), [str(name) for name in table.patients[first]]


def _wald_test(difference: Interval) -> HypothesisTest:
    half = (difference.upper - difference.lower) / 2
    z = difference.estimate / (half / two_sided_z(difference.confidence)) if half > 0 else 0.0
    return HypothesisTest(
        statistic=z, p_value=min(1.0, 2 * normal_sf(abs(z))), method="Wald, by patients, readers fixed"
    )


def _alternatives(table: ReadTable, plan: AnalysisPlan) -> tuple[tuple[str, Interval, float], ...]:
    study = as_reader_study(table, modalities=(plan.test_modality, plan.control_modality))
    confidence = 1 - plan.alpha_two_sided
    rows: list[tuple[str, Interval, float]] = []
    for name, estimates in (("DeLong", auc_delong(study)), ("jackknife", auc_jackknife(study))):
        for kind in Generalisation:
            result = obuchowski_rockette(estimates, generalisation=kind, confidence=confidence)
            if result.difference is not None:
                rows.append((f"Obuchowski-Rockette, {name}, {kind.value}", result.difference, result.test.p_value))
    ustat = ustat_difference(study, confidence=confidence)
    if (
        ustat.bdg is not None
        and ustat.test_bdg is not None
        and ustat.normal is not None
        and ustat.test_normal is not None
    ):
        rows.append(("U-statistic, BDG degrees of freedom", ustat.bdg, ustat.test_bdg.p_value))
        rows.append(("U-statistic, normal", ustat.normal, ustat.test_normal.p_value))
    return tuple(rows)


def _subgroups(table: ReadTable, plan: AnalysisPlan) -> tuple[SubgroupRow, ...]:
    rates = [one for one in plan.endpoints if one.kind is AnalysisKind.SENSITIVITY]
    if not plan.subgroups or not rates:
        return ()
    absent = [name for name in plan.subgroups if name not in table.groups]
    if absent:
        raise StudyFileError(
            "A subgroup variable of the plan is not in the study.",
            where=", ".join(absent),
            allowed=", ".join(sorted(table.groups)) or "a column group_…",
            remedy="Add the column group_… to the study file.",
        )
    chosen = table.truth & (table.modalities == plan.test_modality)
    hits = table.scores[chosen] >= (rates[0].threshold or 0.0)
    patients = [str(name) for name in table.patients[chosen]]
    rows: list[SubgroupRow] = []
    for variable in plan.subgroups:
        levels = [str(level) for level in table.groups[variable][chosen]]
        rows.extend(
            subgroup_proportions(
                hits, patient_ids=patients, groups=levels, variable=variable, confidence=1 - plan.alpha_two_sided
            )
        )
    return tuple(rows)
