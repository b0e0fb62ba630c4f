"""The transfer syntaxes that are read, each with its one decoder, so that no other one steps in silently."""

from __future__ import annotations

from dataclasses import dataclass

from lungai_core.dicom.part10 import BIG_ENDIAN, DEFLATED, EXPLICIT_LITTLE, IMPLICIT_LITTLE

__all__ = ["LOSSY_SYNTAXES", "NATIVE_SYNTAXES", "READABLE_SYNTAXES", "Syntax"]


@dataclass(frozen=True, slots=True)
class Syntax:
    """A readable transfer syntax. ``decoder`` is pydicom's name of the plugin, empty for uncompressed pixels.

    :implements: SRS-DICOM-005, SDS-DICOM-005
    """

    name: str
    decoder: str = ""
    package: str = ""


NATIVE_SYNTAXES = {
    IMPLICIT_LITTLE: Syntax("Implicit VR Little Endian"),
    EXPLICIT_LITTLE: Syntax("Explicit VR Little Endian"),
    DEFLATED: Syntax("Deflated Explicit VR Little Endian"),
    BIG_ENDIAN: Syntax("Explicit VR Big Endian"),
}
# RLE goes through pydicom's own decoder: the faster pylibjpeg-rle panics on broken input, which no handler of Exception
# catches.
_OPENJPEG = ("pylibjpeg", "pylibjpeg-openjpeg")
_CHARLS = ("pyjpegls", "pyjpegls")
_GDCM = ("gdcm", "python-gdcm")
READABLE_SYNTAXES = NATIVE_SYNTAXES | {
    "1.2.840.10008.1.2.5": Syntax("RLE Lossless", "pydicom", "pydicom"),
    "1.2.840.10008.1.2.4.57": Syntax("JPEG Lossless, Process 14", *_GDCM),
    "1.2.840.10008.1.2.4.70": Syntax("JPEG Lossless, Process 14, Selection Value 1", *_GDCM),
    "1.2.840.10008.1.2.4.80": Syntax("JPEG-LS Lossless", *_CHARLS),
    "1.2.840.10008.1.2.4.81": Syntax("JPEG-LS Near-Lossless", *_CHARLS),
    "1.2.840.10008.1.2.4.90": Syntax("JPEG 2000 Lossless Only", *_OPENJPEG),
    "1.2.840.10008.1.2.4.91": Syntax("JPEG 2000", *_OPENJPEG),
}
# JPEG 2000 (.91) may be either; its codestream tells.
LOSSY_SYNTAXES = frozenset({"1.2.840.10008.1.2.4.81"})
