"""A case report with two nodules over a small CT, made without a network."""

from __future__ import annotations

import numpy as np
import pytest

from lungai_core.domain.case_report import (
    CandidateFailure,
    CaseReport,
    CaseStatus,
    ComputeMode,
    Execution,
    ExplanationMap,
    Grid,
    InputIdentity,
    InputKind,
    ModelIdentity,
    NoduleMask,
    NoduleResult,
    NoduleSize,
    NoduleWarning,
    Refusal,
    ReviewReason,
    SoftwareIdentity,
    Timings,
    Uncertainty,
)
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.mask import encode_mask
from lungai_core.domain.volume import CtVolume, SeriesNote
from lungai_core.modelpack.card import BilingualText, Figure, ModelCard
from support.volumes import series_of

CENTER = (2.0, -3.0, 5.0)
HEAD_FIRST = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))


def make_volume(axes=HEAD_FIRST, shape=(60, 90, 90), spacing=(1.25, 0.8, 0.8)):
    middle = (np.asarray(shape) - 1) / 2 * np.asarray(spacing)
    origin = tuple(float(v) for v in np.asarray(CENTER) - middle @ np.asarray(axes))
    geometry = Geometry(shape, spacing, origin, axes)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    offset = geometry.lps_from_index(index) - np.asarray(CENTER)
    stored = np.full(shape, -850, np.int16)
    stored[np.linalg.norm(offset, axis=-1) <= 8] = 40
    # One bright ball to the patient's left, behind and above: it tells the three axes apart.
    stored[np.linalg.norm(offset - np.asarray((14.0, 10.0, 18.0)), axis=-1) <= 3] = 500
    series = series_of(shape[0], notes=(SeriesNote(note_id="body-part", text="The body part is not CHEST."),))
    return CtVolume(stored, 1.0, 0.0, geometry, series)


def nodule_of(volume, candidate_id="1", **changes):
    inside = volume.stored == 40
    mask = NoduleMask(box=encode_mask(inside), voxels=int(inside.sum()), volume_mm3=2144.7, mean_hu=40.0, sd_hu=1.5)
    heat = Geometry((4, 4, 4), (24.0, 24.0, 24.0), tuple(c - 36.0 for c in CENTER))
    uncertainty = Uncertainty(
        samples=20,
        dropout_rate=0.2,
        seed="a" * 64,
        mean_probability=0.7,
        mean_probability_se=0.01,
        probability_sd=0.05,
        logit_sd=0.2,
        logit_sd_closed_form=0.21,
        entropy_nats=0.61,
        entropy_nats_se=0.01,
        entropy_limit_nats=0.6,
        mutual_information_nats=0.01,
        mutual_information_nats_se=0.001,
        mutual_information_limit_nats=0.05,
    )
    explanation = ExplanationMap(
        method="class_activation_map",
        grid=Grid.from_geometry(heat),
        scale=0.4,
        values=tuple(255 if n == 63 else 0 for n in range(64)),
        mass_inside_mask=0.4,
    )
    record = {
        "candidate_id": candidate_id,
        "center_lps_mm": CENTER,
        "slice_number": 30,
        "sop_instance_uid": "1.2.3.4.29",
        "malignancy_logit": 0.85,
        "malignancy_probability": 0.7,
        "calibration": "Platt scaling",
        "operating_point": 0.5,
        "suspicious": True,
        "size": NoduleSize(network_mm=16.2, sphere_mm=16.0, long_axis_mm=16.5),
        "mask": mask,
        "uncertainty": uncertainty,
        "explanation": explanation,
        "outside_fraction": 0.1,
        "warnings": (NoduleWarning.MASK_TOUCHES_PATCH_BORDER,),
        "review_required": True,
        "review_reasons": (ReviewReason.UNCERTAINTY_ABOVE_LIMIT,),
    }
    return NoduleResult(**{**record, **changes})


def report_of(volume, *, nodules, kind=InputKind.CT_SERIES, trained=True, failures=()):
    identity = InputIdentity(
        kind=kind,
        study_instance_uid="1.2.3",
        series_instance_uid="1.2.3.4",
        frame_of_reference_uid="1.2.3.5",
        sha256="c" * 64,
        candidates_sha256="d" * 64,
        grid=Grid.from_geometry(volume.geometry),
        notes=volume.series.notes,
    )
    execution = Execution(
        runtime="onnxruntime",
        runtime_version="1.31.1",
        provider="CPUExecutionProvider",
        fallback="CUDAExecutionProvider: no card",
        mode=ComputeMode.REPRODUCIBLE,
        batch_size=1,
        threads=1,
    )
    return CaseReport(
        status=CaseStatus.PARTIAL if failures else CaseStatus.COMPLETE if nodules else CaseStatus.NO_CANDIDATES,
        software=SoftwareIdentity(version="0.1.0"),
        model=ModelIdentity(name="m", version="1.0.0", trained=trained, sha256="a" * 64, contract_sha256="b" * 64),
        input=identity,
        execution=execution,
        nodules=nodules,
        failures=failures,
        refusal=None,
        review_required=bool(nodules),
        review_reasons=(ReviewReason.UNCERTAINTY_ABOVE_LIMIT,) if nodules else (),
        timings_s=Timings(patches=0.1, network=0.2, results=0.3, total=0.6),
    )


@pytest.fixture(scope="session")
def volume():
    return make_volume()


@pytest.fixture(scope="session")
def report(volume):
    second = nodule_of(
        volume,
        "two-b",
        mask=None,
        uncertainty=None,
        explanation=None,
        suspicious=False,
        review_required=False,
        warnings=(),
        review_reasons=(),
        malignancy_probability=0.1,
        size=NoduleSize(network_mm=None),
    )
    failures = (CandidateFailure(candidate_id="3", code="LAI-DOM-003", message="Outside & away <b>."),)
    return report_of(volume, nodules=(nodule_of(volume), second), failures=failures)


@pytest.fixture(scope="session")
def refused():
    return CaseReport(
        status=CaseStatus.REFUSED,
        software=SoftwareIdentity(version="0.1.0"),
        model=ModelIdentity(name="m", version="1.0.0", trained=False, sha256="a" * 64, contract_sha256="b" * 64),
        input=None,
        execution=None,
        nodules=(),
        failures=(),
        refusal=Refusal(code="LAI-DICOM-001", message="A slice <is> missing."),
        review_required=True,
        review_reasons=(ReviewReason.SERIES_REFUSED,),
        timings_s=None,
    )


def card_of(*, trained=True):
    figure = Figure(
        name="AUC",
        value=0.81,
        interval_95=(0.7, 0.9),
        n=120,
        unit="nodules",
        data="a public set",
        source="evidence.json",
        source_sha256="e" * 64,
    )
    return ModelCard(
        model_name="m",
        model_version="1.0.0",
        trained=trained,
        architecture="3D DenseNet <small>",
        parameters=1_726_405,
        weights_origin="a training record",
        training_data="a public set of 800 nodules",
        licence="Apache-2.0",
        summary=BilingualText(en="A research model.", zh="研究模型。"),
        limits=(BilingualText(en="Not for clinical use.", zh="不得用于临床。"),),
        figures=(figure,) if trained else (),
    )


@pytest.fixture(scope="session")
def card():
    return card_of()


@pytest.fixture(scope="session")
def untrained_card():
    return card_of(trained=False)


@pytest.fixture(scope="session")
def make():
    """The builders above, for tests that need a variant."""
    return {"volume": make_volume, "nodule": nodule_of, "report": report_of, "card": card_of}
