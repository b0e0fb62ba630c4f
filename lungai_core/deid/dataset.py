"""One pydicom data set in, a de-identified copy out, by way of the same engine that treats files."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from lungai_core.deid.engine import Engine
from lungai_core.deid.profile import BASIC, Profile

if TYPE_CHECKING:
    from pydicom import FileDataset
    from pydicom.dataset import Dataset

    from lungai_core.deid.secret import Secret

__all__ = ["deidentify_dataset"]


def deidentify_dataset(dataset: Dataset, /, *, profile: Profile = BASIC, secret: Secret) -> FileDataset:
    """Return a de-identified copy of a data set; the argument is not changed.

    :implements: SRS-DEID-001, SDS-DEID-005

    Parameters
    ----------
    dataset
        A composite object. Without file meta information it is taken for explicit VR, little endian.
    profile
        What is removed, kept and replaced.
    secret
        The key of UIDs, pseudonyms and date shifts.

    Returns
    -------
    pydicom.FileDataset
        The copy, with new file meta information.

    Raises
    ------
    InputRejectedError
        As for a file.
    """
    from copy import deepcopy  # noqa: PLC0415  # with pydicom, only where a data set is at hand

    from pydicom import dcmread  # noqa: PLC0415  # as above
    from pydicom.dataset import FileMetaDataset  # noqa: PLC0415  # as above
    from pydicom.uid import ExplicitVRLittleEndian  # noqa: PLC0415  # as above

    copy = deepcopy(dataset)
    if not hasattr(copy, "file_meta"):
        copy.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" not in copy.file_meta:
        copy.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = BytesIO()
    copy.save_as(stream, enforce_file_format=True)
    return dcmread(BytesIO(b"".join(Engine(profile, secret).release(stream.getvalue()).pieces)))
