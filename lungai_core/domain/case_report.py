"""What one case came to: the record that every writer (JSON, HTML, DICOM) takes, and nothing but it.

Every field but ``timings_s`` is a function of the input, the model, the software and the provider: two runs on one
machine give the same bytes there.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from lungai_core.domain.geometry import Geometry, Vector
from lungai_core.domain.mask import MaskBox
from lungai_core.domain.model import FrozenModel, is_absent
from lungai_core.domain.texture import Texture
from lungai_core.domain.volume import SeriesNote

__all__ = [
    "RESEARCH_NOTICE",
    "CandidateFailure",
    "CaseReport",
    "CaseStatus",
    "ComputeMode",
    "Execution",
    "ExplanationMap",
    "Grid",
    "InputFlag",
    "InputIdentity",
    "InputKind",
    "ModelIdentity",
    "NoduleMask",
    "NoduleResult",
    "NoduleSize",
    "NoduleWarning",
    "Refusal",
    "ReviewReason",
    "SoftwareIdentity",
    "TextureEstimate",
    "Timings",
    "Uncertainty",
]

RESEARCH_NOTICE: Final = "Research and development software. Not a medical device. Not for clinical use."

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Probability = Annotated[float, Field(ge=0, le=1)]
_NonNegative = Annotated[float, Field(ge=0)]
_Size = Annotated[int, Field(ge=1)]
_Byte = Annotated[int, Field(ge=0, le=255)]


class CaseStatus(StrEnum):
    """How far a case came.

    :implements: SRS-DOM-011, SDS-DOM-011
    """

    COMPLETE = "complete"
    PARTIAL = "partial"
    NO_CANDIDATES = "no_candidates"
    REFUSED = "refused"


class InputKind(StrEnum):
    """What the images show.

    :implements: SRS-DOM-011, SDS-DOM-011
    """

    CT_SERIES = "ct_series"
    PHANTOM = "phantom"


class ComputeMode(StrEnum):
    """What is promised about the bits of the network's outputs.

    :implements: SRS-DOM-011, SDS-DOM-011

    ``reproducible``: CPU, one patch at a time, one thread, so that neither batch size nor thread count can change a
    bit on one machine. ``fast``: equal within the tolerance of the model's reference values.
    """

    REPRODUCIBLE = "reproducible"
    FAST = "fast"


class NoduleWarning(StrEnum):
    """What a reader of one nodule's result must know.

    :implements: SRS-DOM-011, SDS-DOM-011
    """

    MASK_EMPTY = "mask_empty"
    MASK_TOUCHES_PATCH_BORDER = "mask_touches_patch_border"
    PATCH_PARTLY_OUTSIDE_VOLUME = "patch_partly_outside_volume"
    DIAMETERS_DISAGREE = "diameters_disagree"


class ReviewReason(StrEnum):
    """Why a second human reading is called for.

    :implements: SRS-DOM-011, SDS-DOM-011
    """

    MODEL_NOT_TRAINED = "model_not_trained"
    UNCERTAINTY_ABOVE_LIMIT = "uncertainty_above_limit"
    UNCERTAINTY_NOT_AVAILABLE = "uncertainty_not_available"
    MASK_EMPTY = "mask_empty"
    DIAMETERS_DISAGREE = "diameters_disagree"
    PATCH_PARTLY_OUTSIDE_VOLUME = "patch_partly_outside_volume"
    INPUT_OUTSIDE_LIMITS = "input_outside_limits"
    CANDIDATE_FAILED = "candidate_failed"
    SERIES_REFUSED = "series_refused"


class Grid(FrozenModel):
    """A :class:`Geometry` as a record.

    :implements: SRS-DOM-011, SDS-DOM-011
    """

    shape_zyx: tuple[_Size, _Size, _Size]
    spacing_zyx_mm: Vector
    origin_lps_mm: Vector
    axes_zyx_lps: tuple[Vector, Vector, Vector]

    @classmethod
    def from_geometry(cls, geometry: Geometry, /) -> Grid:
        """Return the record of a geometry.

        :implements: SRS-DOM-011, SDS-DOM-011
        """
        return cls(
            shape_zyx=geometry.shape_zyx,
            spacing_zyx_mm=geometry.spacing_zyx_mm,
            origin_lps_mm=geometry.origin_lps_mm,
            axes_zyx_lps=geometry.axes_zyx_lps,
        )

    def to_geometry(self) -> Geometry:
        """Return the geometry of this record.

        :implements: SRS-DOM-011, SDS-DOM-011

        Raises
        ------
        InvalidGeometryError
            If the record does not describe a right-handed orthonormal grid.
        """
        return Geometry(
            shape_zyx=self.shape_zyx,
            spacing_zyx_mm=self.spacing_zyx_mm,
            origin_lps_mm=self.origin_lps_mm,
            axes_zyx_lps=self.axes_zyx_lps,
        )


class InputFlag(FrozenModel):
    """A property of the series outside the range that the model was verified with, where the contract says to flag it.

    :implements: SRS-DOM-011, SDS-DOM-011
    """

    property_id: str
    title: str
    measured: str
    allowed: str


class InputIdentity(FrozenModel):
    """Which images the result belongs to.

    :implements: SRS-DOM-011, SDS-DOM-011

    ``sha256`` covers the stored voxel values, the rescale, the grid and the series UID. ``candidates_sha256`` covers
    the candidates in their order. ``notes`` is what the reader of the series found and did not refuse, ``flags`` what
    lies outside the limits of the model's contract.
    """

    kind: InputKind
    study_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str
    sha256: _Sha256
    candidates_sha256: _Sha256
    grid: Grid
    notes: tuple[SeriesNote, ...] = ()
    flags: tuple[InputFlag, ...] = ()


class ModelIdentity(FrozenModel):
    """Which model gave the result.

    :implements: SRS-DOM-011, SDS-DOM-011
    """

    name: str
    version: str
    trained: bool
    sha256: _Sha256
    contract_sha256: _Sha256


class SoftwareIdentity(FrozenModel):
    """Which software gave the result.

    :implements: SRS-DOM-011, SDS-DOM-011
    """

    name: Literal["lungai-core"] = "lungai-core"
    version: str


class Execution(FrozenModel):
    """What the network really ran on, as found after loading it and not as asked for.

    :implements: SRS-DOM-011, SDS-DOM-011

    ``fallback`` tells why a provider that was preferred was not used; empty where the first choice ran. ``kernel`` is
    what sampled the patches, ``"numpy"`` or ``"numba"``: both give the same bits. ``precision`` is that of the numbers
    inside the network.
    """

    runtime: str
    runtime_version: str
    provider: str
    fallback: str
    mode: ComputeMode
    batch_size: Annotated[int, Field(ge=1)]
    threads: Annotated[int, Field(ge=0)]
    kernel: str = "numpy"
    precision: Literal["float32", "float16"] = "float32"


class NoduleMask(FrozenModel):
    """The nodule's extent on the grid of the CT series.

    :implements: SRS-DOM-011, SDS-DOM-011

    ``volume_mm3`` is the number of voxels times the volume of one.
    """

    box: MaskBox
    voxels: Annotated[int, Field(ge=1)]
    volume_mm3: Annotated[float, Field(gt=0)]
    mean_hu: float
    sd_hu: _NonNegative


class NoduleSize(FrozenModel):
    """Diameters in mm.

    :implements: SRS-DOM-011, SDS-DOM-011

    ``network_mm`` is the diameter head's. From the mask: ``sphere_mm`` is the diameter of the sphere of equal volume,
    ``long_axis_mm`` the longest distance between two voxel centres of one slice plus one in-plane voxel edge.
    """

    network_mm: _NonNegative | None
    sphere_mm: _NonNegative | None = None
    long_axis_mm: _NonNegative | None = None


class Uncertainty(FrozenModel):
    """Monte-Carlo dropout of the classification head, with its own error.

    :implements: SRS-DOM-011, SDS-DOM-011

    Entropies are in nats (at most ln 2). ``mutual_information_nats`` is the entropy of the mean minus the mean
    entropy. Each ``…_se`` is the Monte-Carlo standard error. ``logit_sd_closed_form`` is the exact standard deviation
    of the sampled logit. ``seed`` is derived from the patch and the model. The two limits are the contract's.
    """

    method: Literal["mc_dropout_head"] = "mc_dropout_head"
    samples: Annotated[int, Field(ge=2)]
    dropout_rate: Annotated[float, Field(gt=0, lt=1)]
    seed: _Sha256
    mean_probability: _Probability
    mean_probability_se: _NonNegative
    probability_sd: _NonNegative
    logit_sd: _NonNegative
    logit_sd_closed_form: _NonNegative
    entropy_nats: _NonNegative
    entropy_nats_se: _NonNegative
    entropy_limit_nats: _NonNegative
    mutual_information_nats: _NonNegative
    mutual_information_nats_se: _NonNegative
    mutual_information_limit_nats: _NonNegative


class TextureEstimate(FrozenModel):
    """The texture that a model with such an output finds most probable.

    :implements: SRS-INFER-013, SDS-INFER-013

    ``probability`` is the model's own, uncalibrated.
    """

    texture: Texture
    probability: _Probability


class ExplanationMap(FrozenModel):
    """Where the network's evidence for malignancy lies, on a grid of its own in patient space.

    :implements: SRS-DOM-011, SDS-DOM-011

    ``values`` are in C order, 0 to 255 in proportion to the map's largest value ``scale``; negative evidence is 0.
    ``mass_inside_mask`` is the share of the map's sum that lies in the nodule's mask.
    """

    method: str
    grid: Grid
    scale: _NonNegative
    values: tuple[_Byte, ...]
    mass_inside_mask: _Probability | None


class NoduleResult(FrozenModel):
    """The result of one candidate.

    :implements: SRS-DOM-011, SDS-DOM-011

    ``malignancy_probability`` is calibrated as ``calibration`` says; ``suspicious`` where it reaches
    ``operating_point``. ``slice_number`` counts from 1 at the first slice of the volume, ``sop_instance_uid`` names
    that slice's image. ``texture`` is ``None`` where the model does not tell it.
    """

    candidate_id: str
    center_lps_mm: Vector
    slice_number: Annotated[int, Field(ge=1)]
    sop_instance_uid: str
    malignancy_logit: float
    malignancy_probability: _Probability
    calibration: str
    operating_point: _Probability
    suspicious: bool
    size: NoduleSize
    texture: Annotated[TextureEstimate | None, Field(exclude_if=is_absent)] = None
    mask: NoduleMask | None
    uncertainty: Uncertainty | None
    explanation: ExplanationMap | None
    outside_fraction: _Probability
    warnings: tuple[NoduleWarning, ...]
    review_required: bool
    review_reasons: tuple[ReviewReason, ...]


class CandidateFailure(FrozenModel):
    """A candidate without a result, and why.

    :implements: SRS-DOM-011, SDS-DOM-011
    """

    candidate_id: str
    code: str
    message: str


class Refusal(FrozenModel):
    """Why a series was not analysed at all.

    :implements: SRS-DOM-011, SDS-DOM-011
    """

    code: str
    message: str


class Timings(FrozenModel):
    """Wall-clock seconds. The only field of a report that differs between two runs on one machine.

    :implements: SRS-DOM-011, SDS-DOM-011
    """

    patches: _NonNegative
    network: _NonNegative
    results: _NonNegative
    total: _NonNegative


class CaseReport(FrozenModel):
    """The result of one case, as the file ``result.json`` holds it.

    :implements: SRS-DOM-011, SDS-DOM-011

    ``input`` and ``execution`` are absent where the series was refused; ``refusal`` is present only there.
    """

    schema_version: Literal["lungai-result/1"] = "lungai-result/1"
    notice: Literal["Research and development software. Not a medical device. Not for clinical use."] = RESEARCH_NOTICE
    status: CaseStatus
    software: SoftwareIdentity
    model: ModelIdentity
    input: InputIdentity | None
    execution: Execution | None
    nodules: tuple[NoduleResult, ...]
    failures: tuple[CandidateFailure, ...]
    refusal: Refusal | None
    review_required: bool
    review_reasons: tuple[ReviewReason, ...]
    timings_s: Timings | None
