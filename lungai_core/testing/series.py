"""A phantom as DICOM CT files, as a scanner would store them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

from lungai_core.files import new_folder, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from lungai_core.testing.phantom import Phantom

__all__ = ["slice_dataset", "write_candidates", "write_phantom_series"]

_CREATED = "20260101"
_CREATED_TIME = "120000"


def write_phantom_series(phantom: Phantom, folder: Path, /) -> Path:
    """Write the phantom as one CT Image file a slice, ``0001.dcm`` onward.

    :implements: SRS-TEST-003, SDS-TEST-002

    Parameters
    ----------
    phantom
        The phantom.
    folder
        A folder that does not exist yet, or is empty.

    Returns
    -------
    pathlib.Path
        ``folder``.

    Raises
    ------
    OutputFolderError
        If the folder holds something or cannot be written.
    """
    with new_folder(folder) as temporary:
        dataset = slice_dataset(phantom, index=0)
        for index in range(phantom.spec.shape_zyx[0]):
            _place(dataset, phantom, index)
            buffer = DicomBytesIO()
            dcmwrite(buffer, dataset, enforce_file_format=True)
            (temporary / f"{index + 1:04d}.dcm").write_bytes(buffer.getvalue())
    return folder


def write_candidates(phantom: Phantom, path: Path, /) -> Path:
    """Write the centres of the phantom's nodules as ``candidates.json``.

    :implements: SRS-TEST-003, SDS-TEST-002

    Parameters
    ----------
    phantom
        The phantom.
    path
        The file to write.
    """
    return write_whole(path, phantom.candidates.model_dump_json(indent=2) + "\n")


def slice_dataset(phantom: Phantom, /, *, index: int) -> Dataset:
    """Return one slice as a CT Image data set in explicit VR little endian.

    :implements: SRS-TEST-003, SDS-TEST-002

    Parameters
    ----------
    phantom
        The phantom.
    index
        Array index z of the slice.
    """
    dataset = _identity(phantom)
    _acquisition(dataset, phantom)
    _pixels(dataset, phantom)
    _place(dataset, phantom, index)
    return dataset


def _place(dataset: Dataset, phantom: Phantom, index: int) -> None:
    """Set what differs between the slices of a series."""
    uid = phantom.volume.series.sop_instance_uids[index]
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(uid)
    dataset.SOPInstanceUID = uid
    dataset.InstanceNumber = index + 1
    position = phantom.volume.geometry.lps_from_index((index, 0, 0))
    dataset.ImagePositionPatient = [round(float(c), 6) for c in position]
    dataset.PixelData = phantom.volume.stored[index].astype("<u2").tobytes()


def _identity(phantom: Phantom) -> Dataset:
    series = phantom.volume.series
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = UID(series.sop_class_uid)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SOPClassUID = series.sop_class_uid
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = dataset.AcquisitionDate = _CREATED
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = dataset.AcquisitionTime = _CREATED_TIME
    dataset.AccessionNumber = f"PHANTOM{phantom.spec.seed}"
    dataset.Modality = "CT"
    dataset.Manufacturer = series.manufacturer
    dataset.ReferringPhysicianName = "Nobody^Phantom"
    dataset.StudyDescription = "Thorax phantom, not a patient"
    dataset.SeriesDescription = "Thorax phantom, generated"
    # A made-up person: the demo has to have something to de-identify.
    dataset.PatientName = "Phantom^Thorax"
    dataset.PatientID = f"PHANTOM-{phantom.spec.seed}"
    dataset.PatientBirthDate = "19600101"
    dataset.PatientSex = "O"
    dataset.StudyInstanceUID = series.study_instance_uid
    dataset.SeriesInstanceUID = series.series_instance_uid
    dataset.FrameOfReferenceUID = series.frame_of_reference_uid
    dataset.StudyID = "1"
    dataset.SeriesNumber = 1
    dataset.AcquisitionNumber = 1
    return dataset


def _acquisition(dataset: Dataset, phantom: Phantom) -> None:
    series = phantom.volume.series
    dataset.BodyPartExamined = series.body_part_examined
    dataset.SliceThickness = series.slice_thickness_mm
    dataset.KVP = 120
    dataset.ConvolutionKernel = series.convolution_kernel
    dataset.PatientPosition = "HFS"
    _, axis_y, axis_x = phantom.volume.geometry.axes_zyx_lps
    dataset.ImageOrientationPatient = [*axis_x, *axis_y]
    dataset.PositionReferenceIndicator = ""
    dataset.BurnedInAnnotation = "NO"


def _pixels(dataset: Dataset, phantom: Phantom) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = phantom.spec.shape_zyx[1:]
    dataset.PixelSpacing = list(phantom.spec.spacing_zyx_mm[1:])
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1
    dataset.RescaleType = "HU"
    dataset.WindowCenter, dataset.WindowWidth = -600, 1500
