"""Loaders for two published cuts of LIDC-IDRI; both give :class:`~lungai_core.training.samples.NoduleSample`."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import nibabel
import numpy as np

from lungai_core.dicom.frames import CT_IMAGE
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtSeries, CtVolume
from lungai_core.errors import DataSetError
from lungai_core.training.samples import NoduleLabels, NoduleSample

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lungai_core.domain.geometry import Vector

__all__ = ["load_lidc_context", "load_lidc_nodules"]

_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])
_NEUTRAL_RATING = 3.0
_CONTEXT_SCALE_HU, _CONTEXT_OFFSET_HU = 1400.0, -1000.0


def load_lidc_nodules(folder: Path, /, *, limit_per_fold: int | None = None) -> tuple[NoduleSample, ...]:
    """Load nodules of the layout ``lidc_nodules``: NIfTI image and mask a nodule, and ``labels.csv``.

    :implements: SRS-TRAIN-006, SDS-TRAIN-004

    ``diameter_mm`` is that of LUNA16. ``readings`` are those of all readers, or, where the table lacks them, the most
    frequent one. Image and mask are in HU on the native grid, cropped to the nodule along z.

    Parameters
    ----------
    folder
        Holds ``image/ID.nii.gz``, ``mask/ID.nii.gz`` and ``labels.csv``.
    limit_per_fold
        Take the first so many of each fold in the order of the table; absent means all.

    Raises
    ------
    DataSetError
        If a file or column is missing, or an image is not a grid of integers with its mask.
    """
    samples = []
    for row in _limited(_rows(folder / "labels.csv"), "fold", limit_per_fold):
        identifier = _field(row, "id", folder)
        readings = _field(row, "deeplung_ratings", folder) or _field(row, "Malignancy_value", folder)
        image, affine = _nifti(folder / "image" / f"{identifier}.nii.gz")
        mask, _ = _nifti(folder / "mask" / f"{identifier}.nii.gz")
        samples.append(
            NoduleSample(
                data_set="lidc_nodules",
                sample_id=identifier,
                patient_id=_field(row, "patient_id", folder),
                volume=_volume(image.astype(np.int16), affine, series_uid=_field(row, "seriesuid", folder)),
                center_lps_mm=_vector([float(_field(row, f"coord{axis}", folder)) for axis in "XYZ"]),
                mask=np.ascontiguousarray(mask.transpose(2, 1, 0) > 0),
                labels=NoduleLabels(
                    diagnosis=_flag(_field(row, "Diagnosis_value", folder)),
                    mean_rating=_flag(_field(row, "deeplung_label", folder)),
                    readings=_readings(readings),
                    diameter_mm=float(_field(row, "diameter_mm", folder)),
                ),
                fold=int(_field(row, "fold", folder)),
            )
        )
    return tuple(samples)


def load_lidc_context(folder: Path, /) -> tuple[NoduleSample, ...]:
    """Load nodules of the layout ``lidc_context``: 51³ voxels of 1 mm with full context, one reader.

    :implements: SRS-TRAIN-006, SDS-TRAIN-004

    ``diameter_mm`` is that of the sphere with the mask's volume; ``diagnosis`` stays empty, because one reader gives no
    agreement of two; ``mean_rating`` is that reader's side of 3. The centre is the mask's centroid.

    Parameters
    ----------
    folder
        Holds ``nodules.npz`` and ``labels.csv``.

    Raises
    ------
    DataSetError
        If a file or column is missing, or a value is not finite.
    """
    try:
        with np.load(folder / "nodules.npz", allow_pickle=False) as archive:
            images, masks, names = archive["image"], archive["mask"], [str(name) for name in archive["id"]]
    except (OSError, KeyError, ValueError) as error:
        raise _unusable(folder / "nodules.npz", type(error).__name__) from error
    rows = {_field(row, "id", folder): row for row in _rows(folder / "labels.csv")}
    samples = []
    for name, image, mask in zip(names, images, masks, strict=True):
        if name not in rows:
            raise _unusable(folder / "labels.csv", f"no row for {name}")
        if not np.isfinite(image).all():
            raise _unusable(folder / "nodules.npz", f"values of {name} that are not finite")
        row = rows[name]
        hu = np.rint(image.astype(np.float32) * _CONTEXT_SCALE_HU + _CONTEXT_OFFSET_HU).astype(np.int16)
        voxels = np.ascontiguousarray(mask.transpose(2, 0, 1)[::-1])
        volume = CtVolume(
            stored=np.ascontiguousarray(hu.transpose(2, 0, 1)[::-1]),
            rescale_slope=1.0,
            rescale_intercept=0.0,
            geometry=Geometry(shape_zyx=voxels.shape, spacing_zyx_mm=(1.0, 1.0, 1.0), origin_lps_mm=(0.0, 0.0, 0.0)),
            series=_series(""),
        )
        rating = float(_field(row, "malignancy", folder))
        samples.append(
            NoduleSample(
                data_set="lidc_context",
                sample_id=name,
                patient_id=_field(row, "patient_id", folder),
                volume=volume,
                center_lps_mm=_vector(volume.geometry.lps_from_index(np.argwhere(voxels).mean(axis=0)).tolist()),
                mask=voxels,
                labels=NoduleLabels(
                    mean_rating=None if rating == _NEUTRAL_RATING else rating > _NEUTRAL_RATING,
                    readings=(round(rating),),
                    diameter_mm=float(_field(row, "equiv_diameter_mm", folder)),
                ),
                fold=int(float(_field(row, "voi994_fold", folder))),
            )
        )
    return tuple(samples)


def _rows(path: Path, /) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))
    except OSError as error:
        raise _unusable(path, type(error).__name__) from error


def _limited(rows: list[dict[str, str]], column: str, limit: int | None, /) -> list[dict[str, str]]:
    if limit is None:
        return rows
    counts: dict[str, int] = {}
    kept = []
    for row in rows:
        part = row.get(column, "")
        counts[part] = counts.get(part, 0) + 1
        if counts[part] <= limit:
            kept.append(row)
    return kept


def _field(row: dict[str, str], column: str, folder: Path, /) -> str:
    value = row.get(column)
    if value is None:
        raise _unusable(folder / "labels.csv", f"no column {column}")
    return value


def _readings(text: str, /) -> tuple[int, ...]:
    return tuple(round(float(word)) for word in text.split())


def _flag(text: str, /) -> bool | None:
    return None if text == "" else text == "1"


def _nifti(path: Path, /) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    try:
        image = nibabel.Nifti1Image.from_filename(path)
        values = np.asanyarray(image.dataobj)
    except (OSError, nibabel.filebasedimages.ImageFileError) as error:
        raise _unusable(path, type(error).__name__) from error
    spatial_axes = 3
    if values.ndim != spatial_axes or not np.isfinite(values).all():
        raise _unusable(path, "not a volume of finite numbers")
    return values.astype(np.int64), np.asarray(image.affine, dtype=np.float64)


def _volume(image: NDArray[np.int16], affine: NDArray[np.float64], /, *, series_uid: str) -> CtVolume:
    columns = affine[:3, :3] * _RAS_TO_LPS[:, None]
    spacing_xyz = np.linalg.norm(columns, axis=0)
    axes = [_vector((columns[:, axis] / spacing_xyz[axis]).tolist()) for axis in (2, 1, 0)]
    return CtVolume(
        stored=np.ascontiguousarray(image.transpose(2, 1, 0)),
        rescale_slope=1.0,
        rescale_intercept=0.0,
        geometry=Geometry(
            shape_zyx=(image.shape[2], image.shape[1], image.shape[0]),
            spacing_zyx_mm=_vector(spacing_xyz[::-1].tolist()),
            origin_lps_mm=_vector((affine[:3, 3] * _RAS_TO_LPS).tolist()),
            axes_zyx_lps=(axes[0], axes[1], axes[2]),
        ),
        series=_series(series_uid),
    )


def _series(series_uid: str, /) -> CtSeries:
    return CtSeries(
        study_instance_uid="",
        series_instance_uid=series_uid,
        frame_of_reference_uid="",
        sop_class_uid=CT_IMAGE,
        sop_instance_uids=(),
    )


def _vector(values: list[float], /) -> Vector:
    first, second, third = values
    return first, second, third


def _unusable(path: Path, why: str, /) -> DataSetError:
    return DataSetError(
        f"A part of the data set cannot be used ({why}).",
        where=str(path),
        allowed="the layout that docs/reference/training.md describes",
        remedy="Fetch the data set again and compare its SHA256SUMS.",
    )
