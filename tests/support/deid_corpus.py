"""Objects with a unique value in every place where one can hide, and a judge that knows only the published table.

Nothing here uses the code under test: pydicom writes and reads, and what is allowed comes from the rows of Table E.1-1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {
    "ct": ("1.2.840.10008.5.1.4.1.1.2", "CT"),
    "mr": ("1.2.840.10008.5.1.4.1.1.4", "MR"),
    "pet": ("1.2.840.10008.5.1.4.1.1.128", "PT"),
    "sr": ("1.2.840.10008.5.1.4.1.1.88.33", "SR"),
    "rtstruct": ("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT"),
    "rtplan": ("1.2.840.10008.5.1.4.1.1.481.5", "RTPLAN"),
    "seg": ("1.2.840.10008.5.1.4.1.1.66.4", "SEG"),
    "gsps": ("1.2.840.10008.5.1.4.1.1.11.1", "PR"),
    "pdf": ("1.2.840.10008.5.1.4.1.1.104.1", "DOC"),
    "ecg": ("1.2.840.10008.5.1.4.1.1.9.1.1", "ECG"),
}
# Sequences outside of Table E.1-1, so that what they hold stays reachable.
NESTS = (0x00082218, 0x00082228, 0x00540220, 0x00081032, 0x00400260, 0x00540222)


@dataclass
class Planted:
    """An object and what was planted in it: each token with the place it stands at."""

    dataset: Dataset
    tokens: dict[str, tuple[int, ...]] = field(default_factory=dict)


def new_object(kind: str, *, number: int = 1, patient: str = "") -> Dataset:
    """A small object with nothing that identifies anybody, of one of the kinds above."""
    sop_class, modality = KINDS[kind]
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.10.77.{number}"
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.10.77.{number}"
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.10.77.90001"
    dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.10.77.90002"
    dataset.Modality = modality
    dataset.PatientID = patient
    dataset.PatientName = patient
    dataset.InstanceNumber = number
    if kind in {"ct", "mr", "pet", "seg"}:
        dataset.Rows, dataset.Columns = 4, 6
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
        dataset.PixelData = (np.arange(24, dtype="<u2") * 37).tobytes()
    return dataset


def value_for(vr: str, token: str, number: int) -> object:
    """A value of a VR that holds the token, or, for numbers and dates, a number that stands for it."""
    day = f"19{number % 90 + 10:02d}{number % 12 + 1:02d}{number % 28 + 1:02d}"
    clock = f"101112.{number % 1000000:06d}"
    raw = token.encode() + b" " * (len(token) % 2)
    text, code = f"note {token} end", token[:16]
    values = dict.fromkeys(("AE", "SH", "CS"), code) | dict.fromkeys(("LO", "LT", "ST", "UC", "UT"), text)
    values |= dict.fromkeys(("DS", "IS"), str(number % 1000)) | dict.fromkeys(("FL", "FD"), number + 0.5)
    values |= dict.fromkeys(("US", "SS", "UL", "SL"), number % 30000) | dict.fromkeys(("OB", "OW", "UN"), raw)
    values |= {"DA": day, "DT": day + clock, "TM": clock, "AS": f"{number % 120:03d}Y"}
    values |= {"PN": f"{token}^given{token[-6:]}", "UR": f"http://{token}.example/x"}
    values["UI"] = f"1.3.6.1.4.1.77777.{number + 10_000_000}"
    return values[vr]


def token_of(value: object) -> str:
    """What to look for in the output for a planted value."""
    if isinstance(value, bytes):
        return value.decode().strip()
    text = str(value)
    return (
        text.split("^", maxsplit=1)[0]
        .removeprefix("note ")
        .removesuffix(" end")
        .removeprefix("http://")
        .split(".example")[0]
    )


def plant(dataset: Dataset, tag: int, vr: str, value: object, depth: int, *, nest: int = 0) -> None:
    """Put a value at a depth, below sequences that are outside of the table."""
    place = dataset
    for level in range(depth):
        sequence = NESTS[(nest + level) % len(NESTS)]
        if sequence not in place:
            place.add_new(sequence, "SQ", [Dataset()])
        place = place[sequence].value[0]
    if vr == "SQ":
        item = Dataset()
        item.add_new(0x00080104, "LO", str(value))
        item.add_new(0x00104000, "LT", str(value))
        place.add_new(tag, "SQ", [item])
    else:
        place.add_new(tag, vr, value)


def as_bytes(dataset: Dataset, *, preamble: bytes = bytes(128), trailing: bytes = b"") -> bytes:
    """The object as a Part 10 file."""
    stream = BytesIO()
    dataset.preamble = preamble
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue() + trailing


def read(content: bytes) -> Dataset:
    """The object as pydicom reads it."""
    return dcmread(BytesIO(content), force=False)


def allowed(code: str, kind: str) -> set[str]:
    """The outcomes that a code allows for a Type: gone, empty, dummy, uid (a new UID), items (recursed)."""
    if kind in {"1", "1C"}:
        outcomes = {
            "X": {"gone", "dummy"},
            "Z": {"empty", "dummy"} if kind == "1C" else {"dummy"},
            "X/Z/U*": {"items"},
            "U": {"uid"},
        }.get(code, {"dummy"})
    elif kind in {"2", "2C"}:
        outcomes = {
            "X": {"gone", "empty"},
            "Z": {"empty", "dummy"},
            "D": {"dummy"},
            "U": {"uid"},
            "X/Z/U*": {"empty", "items"},
        }.get(code, {"empty", "dummy"})
    else:
        outcomes = {
            "Z": {"empty", "dummy", "gone"},
            "Z/D": {"empty", "dummy", "gone"},
            "D": {"dummy", "gone"},
            "U": {"uid", "gone"},
        }.get(code, {"gone"})
    return outcomes


def write_all(folder: Path, objects: dict[str, bytes]) -> None:
    """Write files below a folder, parents included."""
    for name, content in objects.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def private_block(dataset: Dataset, token: str, *, group: int = 0x0009, vr: str = "LO") -> None:
    """A private creator and an element that both hold the token."""
    dataset.add_new((group, 0x0010), "LO", f"CREATOR {token}")
    dataset.add_new((group, 0x1001), vr, token)


def overlay(dataset: Dataset, token: str) -> None:
    """An overlay group whose label holds the token and whose plane spells it."""
    dataset.add_new(0x60000010, "US", 4)
    dataset.add_new(0x60000011, "US", 6)
    dataset.add_new(0x60000040, "CS", "G")
    dataset.add_new(0x60000050, "SS", [1, 1])
    dataset.add_new(0x60000100, "US", 1)
    dataset.add_new(0x60000102, "US", 0)
    dataset.add_new(0x60001500, "LO", token)
    dataset.add_new(0x60003000, "OW", token.encode() + b" " * (len(token) % 2))


def private_meta(token: str) -> bytes:
    """A file meta element (0002,0102) with the token, as bytes in explicit VR."""
    value = token.encode() + b" " * (len(token) % 2)
    return struct.pack("<HH2sHL", 0x0002, 0x0102, b"OB", 0, len(value)) + value
