"""Writes CT series for tests: small, correct, and changed in whatever respect a test asks for."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEGLossless,
    JPEGLosslessSV1,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom.uid import UID

SERIES_UID = "1.2.826.0.1.3680043.10.1.1"
ROWS, COLUMNS = 34, 40  # OpenJPEG wants 32 for its six resolutions
MOVED_KEYWORDS = (
    "SliceThickness",
    "PixelSpacing",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "ConvolutionKernel",
    "GantryDetectorTilt",
)


def stored_values(count: int, *, rows: int = ROWS, columns: int = COLUMNS, seed: int = 7) -> np.ndarray:
    """Return ``(count, rows, columns)`` int16 values between -1024 and 1000."""
    return np.random.default_rng(seed).integers(-1024, 1000, (count, rows, columns)).astype(np.int16)


def slice_dataset(values: np.ndarray, *, index: int, spacing_mm: float = 2.5) -> Dataset:
    """Return a CT slice of axial orientation at ``z = index * spacing_mm``."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = f"1.2.826.0.1.3680043.10.3.{index + 1}"
    ds.Modality = "CT"
    ds.Manufacturer = "TEST"
    ds.PatientName = "Secret^Patient"
    ds.BodyPartExamined = "CHEST"
    ds.SliceThickness = spacing_mm
    ds.GantryDetectorTilt = 0
    ds.ConvolutionKernel = "B30f"
    ds.StudyInstanceUID = "1.2.826.0.1.3680043.10.2.1"
    ds.SeriesInstanceUID = SERIES_UID
    ds.FrameOfReferenceUID = "1.2.826.0.1.3680043.10.4.1"
    ds.ImagePositionPatient = [-50.0, -60.0, round(index * spacing_mm, 6)]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    _describe_pixels(ds, values)
    ds.PixelSpacing = [0.7, 0.6]
    ds.RescaleIntercept = -24
    ds.RescaleSlope = 1
    ds.RescaleType = "HU"
    ds.PixelData = values.astype("<i2" if values.dtype == np.int16 else "<u2").tobytes()
    return ds


def series_datasets(count: int = 6, *, spacing_mm: float = 2.5) -> list[Dataset]:
    """Return the slices of a correct series."""
    return [slice_dataset(v, index=i, spacing_mm=spacing_mm) for i, v in enumerate(stored_values(count))]


def write(datasets: list[Dataset], folder: Path, *, change: Callable[[Dataset], None] | None = None) -> list[Path]:
    """Write slices as files whose names stand in another order than the slices."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, ds in enumerate(datasets):
        if change is not None:
            change(ds)
        path = folder / f"im{(index * 7) % 101:03d}_{index}.dcm"
        save(ds, path)
        paths.append(path)
    return paths


def save(ds: Dataset, path: Path) -> None:
    """Write one slice in the transfer syntax that its file meta information names."""
    ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", CTImageStorage)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID") or "1.2.3"
    ds.save_as(path, enforce_file_format=True)


def enhanced_dataset(count: int = 4) -> Dataset:
    """Return one Enhanced CT object whose frames stand in descending order of z."""
    values = stored_values(count)
    ds = slice_dataset(values[0], index=0)
    ds.SOPClassUID = EnhancedCTImageStorage
    ds.NumberOfFrames = count
    ds.PixelData = values[::-1].astype("<i2").tobytes()
    shared = Dataset()
    measures, orientation, transformation = Dataset(), Dataset(), Dataset()
    measures.SliceThickness, measures.PixelSpacing = ds.SliceThickness, ds.PixelSpacing
    orientation.ImageOrientationPatient = ds.ImageOrientationPatient
    transformation.RescaleIntercept, transformation.RescaleSlope = ds.RescaleIntercept, ds.RescaleSlope
    transformation.RescaleType = "HU"
    reconstruction = Dataset()
    reconstruction.ConvolutionKernel = "B50f"
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([orientation])
    shared.PixelValueTransformationSequence = Sequence([transformation])
    shared.CTReconstructionSequence = Sequence([reconstruction])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for index in reversed(range(count)):
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = [-50.0, -60.0, index * 2.5]
        frame.PlanePositionSequence = Sequence([position])
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    for keyword in MOVED_KEYWORDS:
        delattr(ds, keyword)
    return ds


def compressed(ds: Dataset, uid: UID, **options: object) -> Dataset:
    """Return a slice in another transfer syntax."""
    if uid in {JPEGLossless, JPEGLosslessSV1}:
        values = np.frombuffer(ds.PixelData, "<u2").reshape(ds.Rows, ds.Columns)
        ds.PixelData = encapsulate([jpeg_lossless(values, predictor=1 if uid == JPEGLosslessSV1 else 5)])
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        ds.file_meta.TransferSyntaxUID = uid
    elif uid == ExplicitVRBigEndian:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
        ds.file_meta.TransferSyntaxUID = uid
    elif uid.is_compressed and uid != DeflatedExplicitVRLittleEndian:
        ds.compress(uid, generate_instance_uid=False, **options)
    else:
        ds.file_meta.TransferSyntaxUID = uid
    return ds


def jpeg_lossless(values: np.ndarray, *, predictor: int) -> bytes:
    """Return a JPEG lossless frame (ISO 10918-1, annex H), which no installed package writes."""
    samples = values.astype(np.int64)
    rows, columns = samples.shape
    bits = []
    for y in range(rows):
        for x in range(columns):
            left = samples[y, x - 1] if x else 0
            above = samples[y - 1, x] if y else 0
            if y == 0:
                guess = left if x else 1 << 15
            elif x == 0:
                guess = above
            else:
                guess = left if predictor == 1 else left + ((above - samples[y - 1, x - 1]) >> 1)
            difference = int(samples[y, x] - guess + 32768) % 65536 - 32768
            size = 16 if difference == -32768 else abs(difference).bit_length()
            bits.append(f"{size:05b}")  # every category has a code of five bits
            if 0 < size < 16:
                bits.append(f"{difference if difference > 0 else difference + (1 << size) - 1:0{size}b}")
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    data = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\0")
    table = b"\0" + bytes([0, 0, 0, 0, 17, *[0] * 11]) + bytes(range(17))
    frame = struct.pack(">BHHBBBB", 16, rows, columns, 1, 1, 0x11, 0)
    scan = bytes([1, 1, 0, predictor, 0, 0])
    segments = [(0xFFC4, table), (0xFFC3, frame), (0xFFDA, scan)]
    head = b"".join(struct.pack(">HH", marker, len(body) + 2) + body for marker, body in segments)
    return b"\xff\xd8" + head + data + b"\xff\xd9"


def _describe_pixels(ds: Dataset, values: np.ndarray) -> None:
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = values.shape[-2:]
    ds.BitsAllocated = 16
    ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelRepresentation = int(values.dtype == np.int16)
