"""One nodule with its labels, wherever it comes from, and how it becomes a training patch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from lungai_core.domain.candidate import Candidate
from lungai_core.domain.contract import InputContract
from lungai_core.domain.model import FrozenModel
from lungai_core.domain.volume import CtVolume
from lungai_core.errors import DataSetError
from lungai_core.preprocess.patch import extract_patch
from lungai_core.training.plan import Lesson, Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.domain.geometry import Vector

__all__ = [
    "NoduleLabels",
    "NoduleSample",
    "PreparedNodule",
    "fill_context",
    "lesson_of",
    "prepare",
    "sample_sha256",
    "target_of",
    "training_input",
]

_FRACTION = InputContract(size_zyx=(1, 1, 1), spacing_zyx_mm=(1.0, 1.0, 1.0), lower_hu=0.0, upper_hu=1.0, fill_hu=0.0)
# Lung parenchyma in the window of -1000 to 400 HU: about -900 to -650 HU.
_LUNG_LOWER, _LUNG_UPPER, _LUNG_TYPICAL, _LUNG_SPREAD = 0.07, 0.25, 0.11, 0.02
_FEATHER_VOXELS = 3


class NoduleLabels(FrozenModel):
    """What readers said about a nodule; ``None`` where a label is missing.

    :implements: SRS-TRAIN-006, SDS-TRAIN-004

    ``diagnosis``: at least two readers gave more than 3, or what the data set has in its place: proof, or an arbiter's
    word. ``mean_rating``: the mean reading lies above 3 (true) or below. ``readings`` are single readings of 1 (highly
    unlikely) to 5 (highly suspicious), as many as are known.
    ``diameter_mm`` is the diameter of the data set's own definition, named in its loader.
    """

    diagnosis: bool | None = None
    mean_rating: bool | None = None
    readings: tuple[Annotated[int, Field(ge=1, le=5)], ...] = ()
    diameter_mm: Annotated[float, Field(gt=0)] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NoduleSample:
    """A nodule in its CT, on the native grid.

    :implements: SRS-TRAIN-006, SDS-TRAIN-004

    Parameters
    ----------
    data_set
        Where it comes from; results are never pooled over data sets.
    sample_id
        Unique over all data sets that are used together.
    patient_id
        The pseudonym by which the data are split.
    volume
        The CT around the nodule, at least the nodule itself. Empty UIDs in its series mean that they are not known.
    center_lps_mm
        The nodule's centre, LPS in mm, inside the volume.
    mask
        ``(z, y, x)`` bool on the volume's grid, or ``None``; made read-only here.
    labels
        What readers said.
    fold
        The data set's own cross-validation fold, or ``None``.

    Raises
    ------
    DataSetError
        If the mask has another shape than the volume, or is empty.
    """

    data_set: str
    sample_id: str
    patient_id: str
    volume: CtVolume
    center_lps_mm: Vector
    mask: NDArray[np.bool_] | None
    labels: NoduleLabels
    fold: int | None

    def __post_init__(self) -> None:
        if self.mask is None:
            return
        if self.mask.shape != self.volume.geometry.shape_zyx or not self.mask.any():
            raise DataSetError(
                "A nodule's mask is empty or has another shape than its CT.",
                where=f"sample {self.sample_id}: mask {self.mask.shape}, CT {self.volume.geometry.shape_zyx}",
                allowed="equal shapes, at least one voxel; None where there is no mask",
                remedy="Mend or leave out this nodule.",
            )
        self.mask.flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class PreparedNodule:
    """A nodule on the grid of the network's input.

    :implements: SRS-TRAIN-006, SDS-TRAIN-004

    Parameters
    ----------
    values
        ``(z, y, x)`` float32 in [0, 1].
    inside
        ``(z, y, x)`` bool: where the CT reaches; elsewhere ``values`` holds the fill value.
    mask
        ``(z, y, x)`` bool, or ``None``.
    """

    values: NDArray[np.float32]
    inside: NDArray[np.bool_]
    mask: NDArray[np.bool_] | None


def training_input(edge: int, /) -> InputContract:
    """Return the input contract of training: 1 mm voxels, -1000 to 400 HU.

    :implements: SRS-TRAIN-006, SDS-TRAIN-004

    Parameters
    ----------
    edge
        Voxels along each edge.
    """
    return InputContract(
        size_zyx=(edge, edge, edge),
        spacing_zyx_mm=(1.0, 1.0, 1.0),
        lower_hu=-1000.0,
        upper_hu=400.0,
        fill_hu=-1000.0,
    )


def prepare(sample: NoduleSample, /, *, contract: InputContract) -> PreparedNodule:
    """Sample a nodule's patch by the very function that the device uses, and its mask on the same grid.

    :implements: SRS-TRAIN-006, SDS-TRAIN-004

    Parameters
    ----------
    sample
        The nodule.
    contract
        Size, spacing and window.

    Returns
    -------
    PreparedNodule
        A voxel belongs to the mask where at least half of its linear interpolation does.
    """
    candidate = Candidate(candidate_id="nodule", center_lps_mm=sample.center_lps_mm)
    patch = extract_patch(sample.volume, candidate, contract=contract)
    reach = _fraction(sample, np.ones(sample.volume.stored.shape, dtype=np.bool_), candidate, contract)
    mask = None if sample.mask is None else _fraction(sample, sample.mask, candidate, contract)
    return PreparedNodule(values=patch.values[0], inside=reach, mask=mask)


def fill_context(nodule: PreparedNodule, /, *, generator: np.random.Generator) -> NDArray[np.float32]:
    """Replace the padding around a cropped CT by lung-like texture, blended over 3 voxels.

    :implements: SRS-TRAIN-008, SDS-TRAIN-006

    The crops of some data sets end where the nodule ends; constant padding would then tell its size. The texture has
    the level and spread of the crop's own lung voxels (or typical ones) and a random offset, so that neither its level
    nor its grain tells anything about the nodule.

    Parameters
    ----------
    nodule
        The nodule; where its CT covers the whole patch, its values are returned unchanged.
    generator
        Draws the texture.

    Returns
    -------
    numpy.ndarray
        ``(z, y, x)`` float32 in [0, 1].
    """
    if nodule.inside.all():
        return nodule.values
    known = nodule.values[nodule.inside]
    lung = known[(known > _LUNG_LOWER) & (known < _LUNG_UPPER)]
    enough = lung.size >= 0.1 * known.size
    level = float(np.median(lung)) if enough else _LUNG_TYPICAL
    spread = float(np.median(np.abs(lung - level))) * 1.4826 if enough else _LUNG_SPREAD
    level += float(generator.normal(0.0, _LUNG_SPREAD))
    texture = _correlated_noise(nodule.values.shape, generator)
    background = np.clip(np.float32(level) + np.float32(max(spread, _LUNG_SPREAD / 2)) * texture, 0.0, 1.0)
    weight = _feathered(nodule.inside)
    filled: NDArray[np.float32] = (weight * nodule.values + (1 - weight) * background).astype(np.float32)
    return filled


def lesson_of(labels: NoduleLabels, target: Target, lesson: Lesson, /) -> float | None:
    """Return what the malignancy head learns of a nodule, from 0 to 1.

    :implements: SRS-TRAIN-006, SDS-TRAIN-004

    Parameters
    ----------
    labels
        Of a nodule.
    target
        The label that results are measured against.
    lesson
        The label itself, or the mean reading with 1 at 0 and 5 at 1, which keeps what the label throws away: how sure
        the readers were. Without readings it is the label.
    """
    if lesson is Lesson.READINGS and labels.readings:
        return (sum(labels.readings) / len(labels.readings) - 1) / 4
    label = target_of(labels, target)
    return None if label is None else float(label)


def target_of(labels: NoduleLabels, target: Target, /) -> bool | None:
    """Return the label that results are measured against.

    :implements: SRS-TRAIN-006, SDS-TRAIN-004

    Parameters
    ----------
    labels
        Of a nodule.
    target
        Which of them.
    """
    return labels.diagnosis if target is Target.DIAGNOSIS else labels.mean_rating


def sample_sha256(sample: NoduleSample, /) -> str:
    """Return the SHA-256 of a sample's stored voxels and shape: the identity of its image.

    :implements: SRS-TRAIN-007, SDS-TRAIN-005

    Parameters
    ----------
    sample
        The nodule.
    """
    digest = hashlib.sha256(repr((sample.volume.stored.shape, sample.volume.stored.dtype.str)).encode())
    digest.update(np.ascontiguousarray(sample.volume.stored).tobytes())
    return digest.hexdigest()


def _fraction(
    sample: NoduleSample, where: NDArray[np.bool_], candidate: Candidate, contract: InputContract, /
) -> NDArray[np.bool_]:
    volume = CtVolume(
        stored=where.astype(np.int16),
        rescale_slope=1.0,
        rescale_intercept=0.0,
        geometry=sample.volume.geometry,
        series=sample.volume.series,
    )
    grid = _FRACTION.model_copy(update={"size_zyx": contract.size_zyx, "spacing_zyx_mm": contract.spacing_zyx_mm})
    share: NDArray[np.bool_] = extract_patch(volume, candidate, contract=grid).values[0] >= 0.5  # noqa: PLR2004  # half a voxel
    return share


def _correlated_noise(shape: tuple[int, ...], generator: np.random.Generator, /) -> NDArray[np.float32]:
    noise = generator.standard_normal(shape, dtype=np.float32)
    for axis in range(noise.ndim):
        noise += np.roll(noise, 1, axis=axis)
    # Each axis adds two independent values: the variance doubles three times.
    scaled: NDArray[np.float32] = noise / np.float32(np.sqrt(2**noise.ndim))
    return scaled


def _feathered(inside: NDArray[np.bool_], /) -> NDArray[np.float32]:
    # A CT crop covers a box of the patch, so that one ramp an axis is enough.
    weight = np.ones(inside.shape, dtype=np.float32)
    for axis in range(inside.ndim):
        others = tuple(other for other in range(inside.ndim) if other != axis)
        covered = np.flatnonzero(inside.any(axis=others))
        position = np.arange(inside.shape[axis])
        ramp = np.zeros(inside.shape[axis], dtype=np.float32)
        if covered.size:
            lower, upper = int(covered[0]), int(covered[-1])
            left = np.ones_like(ramp) if lower == 0 else (position - lower + 1) / _FEATHER_VOXELS
            right = np.ones_like(ramp) if upper == position[-1] else (upper - position + 1) / _FEATHER_VOXELS
            ramp = np.clip(np.minimum(left, right), 0, 1).astype(np.float32)
        weight *= ramp.reshape([-1 if other == axis else 1 for other in range(inside.ndim)])
    return weight
