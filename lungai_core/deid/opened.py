"""A file, read as far as the engine needs it: its structure, and the attributes that decide how it is treated."""

from __future__ import annotations

import struct
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lungai_core.deid.bytestream import index_elements, index_items, read_meta
from lungai_core.deid.pixels import ImageFacts
from lungai_core.deid.standard import iod_of, is_registered_uid
from lungai_core.errors import CorruptDicomError, UnsupportedObjectError

if TYPE_CHECKING:
    from lungai_core.deid.bytestream import Buffer, Element, FileMeta

__all__ = ["OpenedFile", "open_file"]

# Float, double and integer pixel data.
_PIXEL_TAGS = range(0x7FE00008, 0x7FE00011)
_DICOMDIR = "1.2.840.10008.1.3.10"
_UNCOMPRESSED = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"})
_OVERLAY_FIRST, _OVERLAY_LAST, _OVERLAY_BIT_POSITION = 0x6000, 0x60FF, 0x0102


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """The structure of one file; values are read from it by tag, at the top level only. ``asked`` are the tags read.

    :implements: SRS-DEID-011, SDS-DEID-005
    """

    meta: FileMeta
    sop_class_uid: str
    head: list[Element]
    pixels: list[Element]
    tail: list[Element]
    by_tag: dict[int, Element]
    asked: set[int] = field(default_factory=set)

    @property
    def data(self) -> Buffer:
        """The bytes that the elements point into.

        :implements: SRS-DEID-011, SDS-DEID-005
        """
        return self.meta.data

    def raw(self, tag: int, /) -> bytes:
        """Return a value without padding; nothing where the attribute is absent.

        :implements: SRS-DEID-011, SDS-DEID-005

        Parameters
        ----------
        tag
            The attribute as a 32-bit number.
        """
        self.asked.add(tag)
        element = self.by_tag.get(tag)
        if element is None or element.undefined:
            return b""
        return bytes(self.data[element.value : element.stop]).strip(b" \0")

    def text(self, tag: int, /) -> str:
        """Return a value as ASCII; other bytes become replacement characters.

        :implements: SRS-DEID-011, SDS-DEID-005

        Parameters
        ----------
        tag
            The attribute as a 32-bit number.
        """
        return self.raw(tag).decode("ascii", "replace").strip()

    def number(self, tag: int, /) -> int:
        """Return the first unsigned 16-bit number of a value; 0 where the attribute is absent.

        :implements: SRS-DEID-011, SDS-DEID-005

        Parameters
        ----------
        tag
            The attribute as a 32-bit number.
        """
        self.asked.add(tag)
        element = self.by_tag.get(tag)
        if element is None or element.stop - element.value < 2:  # noqa: PLR2004  # bytes of a US
            return 0
        (number,) = struct.unpack_from(f"{self.meta.encoding.order}H", self.data, element.value)
        return int(number)

    def values_in_items(self, sequence: int, tag: int, /) -> list[bytes]:
        """Return the values of an attribute in the items of a top-level sequence.

        :implements: SRS-DEID-011, SDS-DEID-005

        Parameters
        ----------
        sequence
            The sequence's tag.
        tag
            The attribute's tag.
        """
        self.asked.add(sequence)
        element = self.by_tag.get(sequence)
        if element is None or element.vr not in (b"", b"SQ"):
            return []
        found = []
        for _, start, stop in index_items(self.data, element, self.meta.encoding):
            children, _ = index_elements(self.data, start, stop, self.meta.encoding, depth=1)
            found += [
                bytes(self.data[child.value : child.stop]).strip(b" \0") for child in children if child.tag == tag
            ]
        return found

    def image_facts(self) -> ImageFacts:
        """Return the attributes by which text in the pixels is detected.

        :implements: SRS-DEID-009, SDS-DEID-007
        """
        frames = self.text(0x00280008)
        return ImageFacts(
            sop_class_uid=self.sop_class_uid,
            burned_in=self.text(0x00280301),
            image_type=self.text(0x00080008),
            conversion_type=self.text(0x00080064),
            series_description=self.text(0x0008103E),
            manufacturer=self.text(0x00080070),
            model=self.text(0x00081090),
            modality=self.text(0x00080060),
            body_part=self.text(0x00180015),
            photometric=self.text(0x00280004),
            rows=self.number(0x00280010),
            columns=self.number(0x00280011),
            samples=max(self.number(0x00280002), 1),
            bits_allocated=self.number(0x00280100),
            frames=int(frames) if frames.isascii() and frames.isdigit() else 1,
            embedded_overlay=self._has_embedded_overlay(),
            compressed=any(element.undefined for element in self.pixels)
            or self.meta.transfer_syntax_uid not in _UNCOMPRESSED,
            pixel_bytes=sum(element.stop - element.value for element in self.pixels),
        )

    def _has_embedded_overlay(self) -> bool:
        return any(
            _OVERLAY_FIRST <= tag >> 16 <= _OVERLAY_LAST
            and tag & 0xFFFF == _OVERLAY_BIT_POSITION
            and self.number(tag) > 0
            for tag in self.by_tag
        )


def open_file(data: Buffer, /) -> OpenedFile:
    """Read the structure of a file and refuse kinds that cannot be judged.

    :implements: SRS-DEID-011, SDS-DEID-005, SDS-DEID-006

    Parameters
    ----------
    data
        The whole file.

    Returns
    -------
    OpenedFile
        Its elements, split at the pixel data.

    Raises
    ------
    CorruptDicomError
        If the file is broken or lacks the UIDs that name it.
    UnsupportedObjectError
        If it is a DICOMDIR or of a SOP Class that the tables do not know.
    """
    meta = read_meta(data)
    elements, _ = index_elements(meta.data, meta.start, len(meta.data), meta.encoding)
    by_tag = {element.tag: element for element in elements}
    tags = [element.tag for element in elements]
    first, behind = bisect_left(tags, _PIXEL_TAGS.start), bisect_left(tags, _PIXEL_TAGS.stop)
    opened = OpenedFile(
        meta, _sop_class(meta, by_tag), elements[:first], elements[first:behind], elements[behind:], by_tag
    )
    opened.asked.add(0x00080016)
    for tag, name in (
        (0x00080018, "SOPInstanceUID"),
        (0x0020000D, "StudyInstanceUID"),
        (0x0020000E, "SeriesInstanceUID"),
    ):
        if not opened.raw(tag):
            raise CorruptDicomError(
                f"The object has no {name}.",
                where=f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
                allowed="composite objects with study, series and instance UIDs",
                remedy="Fetch the object again from its source.",
            )
    return opened


def _sop_class(meta: FileMeta, by_tag: dict[int, Element]) -> str:
    element = by_tag.get(0x00080016)
    inner = (
        ""
        if element is None
        else bytes(meta.data[element.value : element.stop]).decode("ascii", "replace").strip(" \0")
    )
    if inner and meta.sop_class_uid and inner != meta.sop_class_uid:
        raise CorruptDicomError(
            "The file meta information and the data set name different SOP Classes.",
            where="(0002,0002), (0008,0016)",
            allowed="the same SOP Class UID in both",
            remedy="Fetch the file again from its source.",
        )
    uid = inner or meta.sop_class_uid
    if uid == _DICOMDIR or not is_registered_uid(uid) or (iod_of(uid) is None and ".5.1.4." not in uid):
        raise UnsupportedObjectError(
            "The file is a DICOMDIR, or of a SOP Class that is private or unknown, so its content cannot be judged.",
            where="(0008,0016)",
            allowed="the storage SOP Classes of DICOM PS3.4",
            remedy="Leave the file out; make a new DICOMDIR for the output where one is needed.",
        )
    return uid
