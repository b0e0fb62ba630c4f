"""What a run of phantom cases leaves on disk: every check of each case, and the network's figures as a study."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from lungai_core.clinical.clustered import cluster_bootstrap
from lungai_core.domain.model import FrozenModel
from lungai_core.testing.phantom import NoduleKind
from lungai_core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lungai_core.testing.trial import CaseRecord, NoduleMeasure

__all__ = ["TrialAbout", "cases_json", "study_json"]

_REPLICATES = 2000
_TOOL = f"lungai-core {__version__}"
_PROTOCOL = "verification/protocols/testing.md"
_MEASURES = (
    ("dice", "Dice of the mask", "掩膜 Dice 系数", "1"),
    ("network_error_mm", "Error of the diameter head", "直径输出误差", "mm"),
    ("mask_error_mm", "Error of the mask's diameter, masks that are not empty", "掩膜直径误差(非空掩膜)", "mm"),
)
_KINDS_ZH = {
    NoduleKind.SOLID: "实性",
    NoduleKind.SPICULATED: "毛刺",
    NoduleKind.PART_SOLID: "部分实性",
    NoduleKind.GROUND_GLASS: "磨玻璃",
    NoduleKind.CALCIFIED: "钙化",
}


class TrialAbout(FrozenModel):
    """Under which circumstances the cases were run.

    :implements: SRS-TEST-007, SDS-TEST-006

    ``commit`` and ``uncommitted`` are those of the checkout, ``started`` is ISO 8601, ``environment_sha256`` covers the
    interpreter, the system and the versions of all packages.
    """

    seed: Annotated[int, Field(ge=0)]
    started: str
    cpu_s: Annotated[float, Field(ge=0)]
    commit: str
    uncommitted: Annotated[int, Field(ge=0)]
    python: str
    os: str
    cpu: str
    environment_sha256: str
    provider: str
    model_name: str
    model_version: str
    model_trained: bool
    model_sha256: str


def cases_json(records: Sequence[CaseRecord], /, *, about: TrialAbout) -> str:
    """Return the cases with expected and observed values, as JSON of the schema ``lungai-phantom-cases/1``.

    :implements: SRS-TEST-007, SDS-TEST-006

    Parameters
    ----------
    records
        From :func:`~lungai_core.testing.trial.run_plan`.
    about
        Their circumstances.
    """
    checks = [check for record in records for check in record.checks]
    content = {
        "schema": "lungai-phantom-cases/1",
        "nature": "phantom",
        "tool": _TOOL,
        "time": about.started,
        **about.model_dump(),
        "counts": {
            "cases": len(records),
            "passed": sum(record.passed for record in records),
            "failed": sum(not record.passed for record in records),
            "checks": len(checks),
            "checks_failed": sum(not check.passed for check in checks),
        },
        "cases": [_case(record) for record in records],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def study_json(records: Sequence[CaseRecord], /, *, about: TrialAbout) -> str:
    """Return the network's own figures on the phantom nodules, as a study of the schema ``lungai-study/1``.

    :implements: SRS-TEST-007, SDS-TEST-006

    A mean stands with its percentile interval from a bootstrap over cases, for all nodules and for each kind.

    Parameters
    ----------
    records, about
        As for :func:`cases_json`.
    """
    measures = [measure for record in records for measure in record.measures]
    plan = json.dumps([record.case.model_dump(mode="json") for record in records], sort_keys=True)
    state = ("trained", "已训练") if about.model_trained else ("NOT TRAINED", "未经训练 NOT TRAINED")
    content = {
        "schema": "lungai-study/1",
        "study_id": "network_on_phantoms",
        "title_en": f"Network on phantom nodules ({about.model_name} {about.model_version}, {state[0]})",
        "title_zh": f"网络在体模结节上的表现({about.model_name} {about.model_version},{state[1]})",
        "nature": "phantom",
        "artefact": "bench_report",
        "started": about.started,
        "protocol": _PROTOCOL,
        "match_rule": "each candidate is the nodule that it was made from",
        "tool": _TOOL,
        "data": {
            "name": "generated thorax phantoms",
            "version": _TOOL,
            "licence": "Apache-2.0",
            "split_sha256": hashlib.sha256(plan.encode()).hexdigest(),
            "reference_standard": "the spheres that the nodules were generated from; spicules do not count",
            "readers": "none: generated",
        },
        "cases": [{"id": _id(each), "patient": each.case_id, "lesions": 1} for each in measures],
        "metrics": [metric for kind in (None, *NoduleKind) for metric in _metrics(measures, kind, seed=about.seed)],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _case(record: CaseRecord, /) -> dict[str, Any]:
    spec = record.case.spec
    slice_mm, pixel_mm, _ = spec.spacing_zyx_mm
    failed = [check for check in record.checks if not check.passed]
    return {
        "case": record.case.case_id,
        "nodules": ", ".join(f"{nodule.kind} {nodule.diameter_mm} mm" for nodule in spec.nodules),
        "grid": f"{slice_mm} mm slices, {pixel_mm} mm pixels, {record.case.orientation}, noise {spec.noise_hu} HU",
        "situation": str(record.case.situation),
        "expected": "; ".join(f"{check.name} {check.expected}" for check in record.checks),
        "observed": "; ".join(f"{check.name} {check.observed}" for check in record.checks),
        "result": "pass" if record.passed else "FAIL",
        "anomaly": "; ".join(f"{check.name}: {check.observed}" for check in failed) or "none",
        "checks": [check.model_dump() for check in record.checks],
        "spec": spec.model_dump(mode="json"),
    }


def _id(measure: NoduleMeasure, /) -> str:
    return f"{measure.case_id}-{measure.nodule_id}"


def _metrics(measures: list[NoduleMeasure], kind: NoduleKind | None, /, *, seed: int) -> list[dict[str, Any]]:
    names = (str(kind), _KINDS_ZH[kind]) if kind else ("all kinds", "全部类型")
    metrics = []
    for attribute, name_en, name_zh, unit in _MEASURES:
        known = [m for m in measures if kind in (None, m.kind) and getattr(m, attribute) is not None]
        if not known:
            continue
        value, low, high = _mean(known, attribute, seed=seed)
        metrics.append(
            {
                "name_en": f"{name_en}, {names[0]}",
                "name_zh": f"{name_zh},{names[1]}",
                "value": value,
                "unit": unit,
                "ci_low": low,
                "ci_high": high,
                "ci_method": f"95 % percentile, {_REPLICATES} bootstrap samples of cases",
                "n": len(known),
                "n_unit": "lesion",
                "cases": [_id(each) for each in known],
                "criterion": "none: measured, not judged",
            }
        )
    return metrics


def _mean(measures: list[NoduleMeasure], attribute: str, /, *, seed: int) -> tuple[float, float, float]:
    values = np.array([getattr(each, attribute) for each in measures], dtype=np.float64)
    _, codes = np.unique([each.case_id for each in measures], return_inverse=True)
    cases = int(codes.max()) + 1
    sums, sizes = np.bincount(codes, weights=values), np.bincount(codes)
    weights = cluster_bootstrap(cases, replicates=_REPLICATES, seed=seed)
    means = weights @ sums / (weights @ sizes)
    low, high = np.percentile(means, [2.5, 97.5])
    value = float(values.mean())
    return round(value, 4), round(min(float(low), value), 4), round(max(float(high), value), 4)
