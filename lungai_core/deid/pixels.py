"""Text in the pixels: detected by rules, refused by default, blanked in known rectangles where a profile names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lungai_core.errors import BurnedInPixelError

if TYPE_CHECKING:
    from lungai_core.deid.profile import PixelRegion, Profile

__all__ = ["ImageFacts", "blanked", "expected_pixel_bytes", "matching_regions", "require_no_burned_in_text"]

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_ULTRASOUND = ("1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1")
_SCREEN_WORDS = frozenset(
    {"SCREEN SAVE", "SCREENSAVE", "SCREEN_SAVE", "SECONDARY CAPTURE", "DOSE", "DOSE_INFO", "DOSE INFO"}
)
_SCREEN_SERIES = (
    "dose report",
    "dose record",
    "dose info",
    "patient protocol",
    "screen save",
    "screen capture",
    "exam protocol",
)
_HEAD = ("HEAD", "BRAIN", "SKULL", "FACE", "ORBIT", "NECK")


class ImageFacts(NamedTuple):
    """The attributes by which an image is judged, without padding; 0 where a number is absent.

    :implements: SRS-DEID-009, SDS-DEID-007
    """

    sop_class_uid: str
    burned_in: str
    image_type: str
    conversion_type: str
    series_description: str
    manufacturer: str
    model: str
    modality: str
    body_part: str
    photometric: str
    rows: int
    columns: int
    samples: int
    bits_allocated: int
    frames: int
    embedded_overlay: bool
    compressed: bool
    pixel_bytes: int

    def shows_a_head(self) -> bool:
        """Tell whether the body part is one whose surface may be recognised as a face.

        :implements: SRS-DEID-009, SDS-DEID-007
        """
        return any(part in self.body_part.upper() for part in _HEAD)


def require_no_burned_in_text(facts: ImageFacts, /, *, profile: Profile) -> None:
    """Refuse an image that may show text about the patient, unless the profile blanks a region of it.

    :implements: SRS-DEID-009, SDS-DEID-007

    Parameters
    ----------
    facts
        The image.
    profile
        The profile with its regions.

    Raises
    ------
    BurnedInPixelError
        With the rule that applied.
    """
    if facts.embedded_overlay:
        raise _burned_in("An overlay is embedded in the unused bits of the pixel data.", "(60xx,0102)")
    expected = expected_pixel_bytes(facts)
    if facts.pixel_bytes and not facts.compressed and facts.pixel_bytes not in (expected, expected + expected % 2):
        raise _burned_in(
            "The pixel data do not have the size that the image needs, so they may hold something else.", "(7FE0,0010)"
        )
    rule = _rule_that_applies(facts)
    if rule is not None and not matching_regions(facts, profile):
        raise _burned_in("The image may show text about the patient in its pixels.", rule)


def matching_regions(facts: ImageFacts, profile: Profile, /) -> tuple[PixelRegion, ...]:
    """Return the regions of the profile that are to be blanked in this image.

    :implements: SRS-DEID-009, SDS-DEID-007

    Parameters
    ----------
    facts
        The image.
    profile
        The profile with its regions.
    """
    return tuple(
        region
        for region in profile.pixel_regions
        if region.rows == facts.rows
        and region.columns == facts.columns
        and region.manufacturer.lower() in facts.manufacturer.lower()
        and region.model.lower() in facts.model.lower()
        and region.modality in ("", facts.modality)
    )


def expected_pixel_bytes(facts: ImageFacts, /) -> int:
    """Return how many bytes the uncompressed pixel data have, without padding.

    :implements: SRS-DEID-009, SDS-DEID-007

    Parameters
    ----------
    facts
        The image.
    """
    pixels = facts.rows * facts.columns * max(facts.frames, 1)
    # Two samples a pixel on average: chrominance is taken at every other one.
    samples = 2 if facts.photometric == "YBR_FULL_422" else facts.samples
    return (pixels * samples * facts.bits_allocated + 7) // 8


def blanked(pixels: bytes, regions: tuple[PixelRegion, ...], /, *, facts: ImageFacts) -> bytes:
    """Return uncompressed pixel data with the regions set to zero in every frame.

    :implements: SRS-DEID-009, SDS-DEID-007

    Parameters
    ----------
    pixels
        The value of (7FE0,0010).
    regions
        Rectangles in pixels; what lies outside of the image is ignored.
    facts
        The image.

    Raises
    ------
    BurnedInPixelError
        If the pixel data are compressed, or stored colour by plane or in fewer than 8 bits.
    """
    if facts.compressed or facts.bits_allocated % 8 or facts.photometric == "YBR_FULL_422":
        raise _burned_in("Regions can only be blanked in uncompressed pixel data of whole bytes.", "(7FE0,0010)")
    width = facts.samples * facts.bits_allocated // 8
    line, out = facts.columns * width, bytearray(pixels)
    for frame in range(max(facts.frames, 1)):
        first = frame * facts.rows * line
        for region in regions:
            left, right = region.left * width, min(region.left + region.width, facts.columns) * width
            for row in range(region.top, min(region.top + region.height, facts.rows)):
                start = first + row * line
                out[start + left : start + right] = bytes(max(right - left, 0))
    return bytes(out)


def _rule_that_applies(facts: ImageFacts) -> str | None:
    words = {word.strip().upper() for word in facts.image_type.split("\\")}
    description = facts.series_description.lower()
    rules = (
        (facts.burned_in.upper() == "YES", "(0028,0301) is YES"),
        (facts.sop_class_uid.startswith(_SECONDARY_CAPTURE), "(0008,0016) is a secondary capture"),
        (bool(facts.conversion_type), "(0008,0064) names a secondary capture"),
        (
            facts.sop_class_uid in _ULTRASOUND and facts.burned_in.upper() != "NO",
            "(0008,0016) is ultrasound, (0028,0301) is not NO",
        ),
        (bool(words & _SCREEN_WORDS), "(0008,0008) names a screen"),
        (any(phrase in description for phrase in _SCREEN_SERIES), "(0008,103E) names a screen"),
    )
    return next((rule for applies, rule in rules if applies and facts.pixel_bytes), None)


def _burned_in(what: str, where: str) -> BurnedInPixelError:
    return BurnedInPixelError(
        what,
        where=where,
        allowed="images without text in their pixels, or regions to blank that the profile names",
        remedy="Look at the image; for a known screen give a profile with clean_pixel_data and pixel_regions.",
    )
