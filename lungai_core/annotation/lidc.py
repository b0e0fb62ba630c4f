"""LIDC-IDRI's own XML: four readers' unblinded reads of a CT series."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.annotation.contours import Contour
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import LidcXmlError, MissingDependencyError

if TYPE_CHECKING:
    from pathlib import Path

    # The name of a type: defusedxml parses.
    from xml.etree.ElementTree import Element  # nosec B405

__all__ = [
    "LidcFolder",
    "LidcNodule",
    "LidcNonNodule",
    "LidcRatings",
    "LidcReading",
    "LidcSession",
    "read_lidc_folder",
    "read_lidc_xml",
]

_RATINGS = (
    "subtlety",
    "internalStructure",
    "calcification",
    "sphericity",
    "margin",
    "lobulation",
    "spiculation",
    "texture",
    "malignancy",
)


class LidcRatings(FrozenModel):
    """The nine characteristics of a nodule of 3 mm or more, as LIDC codes them (1 to 5 or 6).

    :implements: SRS-ANNO-002, SDS-ANNO-002
    """

    subtlety: int
    internal_structure: int
    calcification: int
    sphericity: int
    margin: int
    lobulation: int
    spiculation: int
    texture: int
    malignancy: int


@dataclass(frozen=True, slots=True)
class LidcNodule:
    """A nodule as one reader marked it.

    :implements: SRS-ANNO-002, SDS-ANNO-002

    Parameters
    ----------
    nodule_id
        As in the file; it says nothing about other readers' nodules.
    ratings
        ``None`` for a nodule below 3 mm.
    contours
        Every region, those of a single point too.
    """

    nodule_id: str
    ratings: LidcRatings | None
    contours: tuple[Contour, ...]


@dataclass(frozen=True, slots=True)
class LidcNonNodule:
    """A finding of 3 mm or more that is no nodule.

    :implements: SRS-ANNO-002, SDS-ANNO-002

    Parameters
    ----------
    non_nodule_id, z_mm, sop_instance_uid, point_xy
        As in the file.
    """

    non_nodule_id: str
    z_mm: float
    sop_instance_uid: str
    point_xy: tuple[int, int]


@dataclass(frozen=True, slots=True)
class LidcSession:
    """One reader's read. The files hold no reader's identity: numbers say nothing across series.

    :implements: SRS-ANNO-002, SDS-ANNO-002

    Parameters
    ----------
    nodules, non_nodules
        In the order of the file.
    """

    nodules: tuple[LidcNodule, ...]
    non_nodules: tuple[LidcNonNodule, ...]


@dataclass(frozen=True, slots=True)
class LidcReading:
    """All reads of one series.

    :implements: SRS-ANNO-002, SDS-ANNO-002

    Parameters
    ----------
    study_instance_uid, series_instance_uid
        Of the CT.
    sessions
        One a reader, usually four.
    """

    study_instance_uid: str
    series_instance_uid: str
    sessions: tuple[LidcSession, ...]

    @property
    def sha256(self) -> str:
        """The hash of what was read, without message numbers and dates."""
        return hashlib.sha256(repr((self.series_instance_uid, self.sessions)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LidcFolder:
    """What a folder of LIDC files holds.

    :implements: SRS-ANNO-002, SDS-ANNO-002

    Parameters
    ----------
    readings
        One for each distinct read of a series, in the order of file names.
    repeated
        Files whose reads are equal to those of an earlier file.
    radiographs
        Messages of chest radiographs, skipped.
    """

    readings: tuple[tuple[Path, LidcReading], ...]
    repeated: tuple[Path, ...]
    radiographs: tuple[Path, ...]


def read_lidc_xml(path: Path, /) -> LidcReading:
    """Read one message of CT reads.

    :implements: SRS-ANNO-002, SDS-ANNO-002

    Source of the format: LIDC-IDRI (Armato SG et al., Med Phys 2011;38:915), XML schema LidcReadMessage.

    Parameters
    ----------
    path
        An XML file with the root ``LidcReadMessage``.

    Raises
    ------
    LidcXmlError
        If it is no XML, a message of chest radiographs, or lacks a field.
    """
    root = _parse(path)
    if root is None:
        raise _bad("The file holds chest radiographs, no CT.", path)
    return _reading(root, path)


def _reading(root: Element, path: Path) -> LidcReading:
    header = root.find("ResponseHeader")
    if header is None:
        raise _bad("The message has no ResponseHeader.", path)
    uids = {element.tag.lower(): (element.text or "").strip() for element in header}
    try:
        sessions = tuple(_session(element) for element in root.iter("readingSession"))
        return LidcReading(
            study_instance_uid=uids["studyinstanceuid"],
            series_instance_uid=uids["seriesinstanceuid"],
            sessions=sessions,
        )
    except (KeyError, ValueError) as error:
        raise _bad(f"A field is missing or no number ({error}).", path) from error


def read_lidc_folder(folder: Path, /) -> LidcFolder:
    """Read every XML file below a folder; repeated messages and radiographs are listed, not read twice.

    :implements: SRS-ANNO-002, SDS-ANNO-002

    Parameters
    ----------
    folder
        A folder; its subfolders are searched.
    """
    readings: list[tuple[Path, LidcReading]] = []
    repeated: list[Path] = []
    radiographs: list[Path] = []
    seen: set[str] = set()
    for path in sorted(folder.rglob("*.xml")):
        root = _parse(path)
        if root is None:
            radiographs.append(path)
            continue
        reading = _reading(root, path)
        if reading.sha256 in seen:
            repeated.append(path)
        else:
            seen.add(reading.sha256)
            readings.append((path, reading))
    return LidcFolder(readings=tuple(readings), repeated=tuple(repeated), radiographs=tuple(radiographs))


def _parse(path: Path) -> Element | None:
    """Give the root of a CT message without name spaces, or ``None`` for a message of radiographs."""
    try:
        from defusedxml import ElementTree  # noqa: PLC0415  # an extra, needed here alone
        from defusedxml.common import DefusedXmlException  # noqa: PLC0415  # as above
    except ImportError as error:
        raise MissingDependencyError(
            "Reading XML needs defusedxml, which is not installed.",
            where="lungai_core.annotation.lidc",
            allowed="defusedxml >= 0.7, < 1",
            remedy='pip install "lungai-core[annotation]"',
        ) from error
    try:
        root: Element = ElementTree.fromstring(path.read_bytes(), forbid_dtd=True)
    except (OSError, ElementTree.ParseError, DefusedXmlException) as error:
        raise _bad(f"The file is no XML that may be read ({type(error).__name__}).", path) from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag == "IdriReadMessage":
        return None
    if root.tag != "LidcReadMessage":
        raise _bad(f"The root element is {root.tag}.", path)
    return root


def _session(element: Element) -> LidcSession:
    return LidcSession(
        nodules=tuple(_nodule(child) for child in element.iter("unblindedReadNodule")),
        non_nodules=tuple(_non_nodule(child) for child in element.iter("nonNodule")),
    )


def _nodule(element: Element) -> LidcNodule:
    return LidcNodule(
        nodule_id=_text(element, "noduleID"),
        ratings=_ratings(element.find("characteristics")),
        contours=tuple(_contour(roi) for roi in element.iter("roi")),
    )


def _ratings(element: Element | None) -> LidcRatings | None:
    # Small nodules have no characteristics, or the element without content.
    if element is None or element.find("malignancy") is None:
        return None
    subtlety, structure, *others = (int(_text(element, name)) for name in _RATINGS)
    names = ("calcification", "sphericity", "margin", "lobulation", "spiculation", "texture", "malignancy")
    return LidcRatings(subtlety=subtlety, internal_structure=structure, **dict(zip(names, others, strict=True)))


def _contour(element: Element) -> Contour:
    return Contour(
        z_mm=float(_text(element, "imageZposition")),
        sop_instance_uid=_text(element, "imageSOP_UID"),
        inclusion=_text(element, "inclusion").upper() == "TRUE",
        points_xy=tuple(zip(_numbers(element, "xCoord"), _numbers(element, "yCoord"), strict=True)),
    )


def _numbers(element: Element, name: str) -> list[int]:
    return [int(child.text or "") for child in element.iter(name)]


def _non_nodule(element: Element) -> LidcNonNodule:
    locus = element.find("locus")
    if locus is None:
        message = "locus"
        raise KeyError(message)
    return LidcNonNodule(
        non_nodule_id=_text(element, "nonNoduleID"),
        z_mm=float(_text(element, "imageZposition")),
        sop_instance_uid=_text(element, "imageSOP_UID"),
        point_xy=(int(_text(locus, "xCoord")), int(_text(locus, "yCoord"))),
    )


def _text(element: Element, name: str) -> str:
    child = element.find(name)
    if child is None or not (child.text or "").strip():
        raise KeyError(name)
    return (child.text or "").strip()


def _bad(what: str, path: Path) -> LidcXmlError:
    return LidcXmlError(
        what,
        where=path.name,
        allowed="an XML file with the root LidcReadMessage",
        remedy="Take the CT reads of LIDC-IDRI (LIDC-XML-only); a folder import skips radiographs by itself.",
    )
