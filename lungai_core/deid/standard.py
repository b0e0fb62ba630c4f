"""The standard as values: Table E.1-1, the safe private attributes, the dictionary and the attribute Types.

Everything is looked up by tag. A keyword is a label for people: the dictionary of pydicom 3.0.2 lacks 176 attributes of
PS3.6 2026c, and an engine that asks it for keywords lets those attributes pass.
"""

from __future__ import annotations

import json
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import NamedTuple, TypeVar

__all__ = [
    "AttributeType",
    "Entry",
    "IodTypes",
    "Option",
    "Row",
    "attribute_types",
    "confidentiality_rows",
    "content_rule",
    "dictionary_entry",
    "iod_of",
    "is_registered_uid",
    "names_somebody",
    "row_of",
    "safe_private_vr",
    "table_digest",
    "table_edition",
    "warm_up",
]

_REPEATING_LOW, _REPEATING_HIGH = 0x5000, 0x60FF
_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
# Designators of SNOMED codes before SCT, PS3.16 section 8.1; they share their values.
_BEFORE_SCT = ("SRT", "SNM3", "99SDM")
_Key = TypeVar("_Key")


class Option(StrEnum):
    """An option of the Basic Application Level Confidentiality Profile, with its code in CID 7050.

    :implements: SRS-DEID-003, SDS-DEID-001
    """

    CLEAN_PIXEL_DATA = "clean_pixel_data"
    CLEAN_VISUAL_FEATURES = "clean_recognizable_visual_features"
    CLEAN_GRAPHICS = "clean_graphics"
    CLEAN_STRUCTURED_CONTENT = "clean_structured_content"
    CLEAN_DESCRIPTORS = "clean_descriptors"
    RETAIN_FULL_DATES = "retain_longitudinal_full_dates"
    RETAIN_MODIFIED_DATES = "retain_longitudinal_modified_dates"
    RETAIN_PATIENT_CHARACTERISTICS = "retain_patient_characteristics"
    RETAIN_DEVICE_IDENTITY = "retain_device_identity"
    RETAIN_UIDS = "retain_uids"
    RETAIN_SAFE_PRIVATE = "retain_safe_private"
    RETAIN_INSTITUTION_IDENTITY = "retain_institution_identity"


class AttributeType(StrEnum):
    """The Type of an attribute at one place of one IOD, as far as it decides an action.

    :implements: SRS-DEID-004, SDS-DEID-002
    """

    REQUIRED = "1"
    REQUIRED_IF = "1C"
    MAY_BE_EMPTY = "2"
    MAY_BE_EMPTY_IF = "2C"
    OPTIONAL_OR_FOREIGN = "3"


class Row(NamedTuple):
    """One row of Table E.1-1.

    :implements: SRS-DEID-002, SDS-DEID-001
    """

    tag: str
    name: str
    keyword: str
    vr: str
    code: str
    options: tuple[tuple[Option, str], ...]


class Entry(NamedTuple):
    """What the data dictionary says of a tag: its permitted VRs, its keyword, and how many values it may have.

    :implements: SRS-DEID-002, SDS-DEID-001
    """

    vrs: tuple[str, ...]
    keyword: str
    name: str
    most_values: int | None


class IodTypes(NamedTuple):
    """The Types of one IOD: of top-level tags, and of tags inside a sequence.

    :implements: SRS-DEID-004, SDS-DEID-002
    """

    top: dict[int, AttributeType]
    nested: dict[tuple[int, int], AttributeType]

    def type_at(self, tag: int, /, *, parent: int | None) -> AttributeType:
        """Return the Type of ``tag`` at the top level (``parent`` is None) or in an item of the sequence ``parent``.

        :implements: SRS-DEID-004, SDS-DEID-002

        Parameters
        ----------
        tag
            The attribute as a 32-bit number.
        parent
            The sequence that holds it, or None.
        """
        found = self.top.get(tag) if parent is None else self.nested.get((parent, tag))
        return found or AttributeType.OPTIONAL_OR_FOREIGN


def table_edition() -> str:
    """Return the edition of Table E.1-1 in use.

    :implements: SRS-DEID-002, SDS-DEID-001
    """
    return str(_table("e1_1.json")["edition"])


def table_digest() -> str:
    """Return the SHA-256 of the canonical rows of Table E.1-1: what a reviewer compares with the published table.

    :implements: SRS-DEID-002, SDS-DEID-001
    """
    from hashlib import sha256  # noqa: PLC0415  # used by the audit only

    columns = ("name", "tag", "retired", "in_standard_iod", "basic_profile", "options")
    rows = [{column: row[column] for column in columns} for row in _table("e1_1.json")["rows"]]
    return sha256(json.dumps(rows, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


@cache
def confidentiality_rows() -> tuple[Row, ...]:
    """Return the rows of Table E.1-1 in the order of the standard.

    :implements: SRS-DEID-002, SDS-DEID-001
    """
    return tuple(
        Row(
            tag=row["tag"],
            name=row["name"],
            keyword=row["keyword"] or row["name"].replace(" ", ""),
            vr=row["vr"] or "LO",
            code=row["basic_profile"],
            options=tuple((Option(option), code) for option, code in sorted(row["options"].items())),
        )
        for row in _table("e1_1.json")["rows"]
    )


def row_of(tag: int, /) -> Row | None:
    """Return the row of Table E.1-1 for a tag; repeating groups included, private tags not.

    :implements: SRS-DEID-002, SDS-DEID-001

    Parameters
    ----------
    tag
        The attribute as a 32-bit number.
    """
    group = tag >> 16
    if _REPEATING_LOW <= group <= _REPEATING_HIGH:
        family = group >> 8
        if family == 0x50:  # noqa: PLR2004  # curves, (50xx,xxxx)
            return _rows_by_tag().get("50xx,xxxx")
        if family == 0x60:  # noqa: PLR2004  # overlays, (60xx,eeee)
            return _rows_by_tag().get(f"60xx,{tag & 0xFFFF:04X}")
    return _rows_by_tag().get(f"{group:04X},{tag & 0xFFFF:04X}")


def names_somebody(tag: int, /) -> bool:
    """Tell whether Table E.1-1 lists a tag other than as one of the descriptions of the Clean Descriptors option.

    :implements: SRS-DEID-008, SDS-DEID-005

    Parameters
    ----------
    tag
        The attribute as a 32-bit number.
    """
    row = row_of(tag)
    return row is not None and all(option is not Option.CLEAN_DESCRIPTORS for option, _ in row.options)


def dictionary_entry(tag: int, /) -> Entry | None:
    """Return the dictionary's entry for a standard tag, or None where the standard knows no such attribute.

    :implements: SRS-DEID-002, SDS-DEID-001

    Parameters
    ----------
    tag
        The attribute as a 32-bit number.
    """
    return _entry(tag)


def is_registered_uid(value: str, /) -> bool:
    """Tell whether a UID is one that the standard itself defines (a class, syntax or well-known frame).

    :implements: SRS-DEID-005, SDS-DEID-003

    Parameters
    ----------
    value
        The UID without padding.
    """
    return value in _registered_uids()


def iod_of(sop_class_uid: str, /) -> str | None:
    """Return the name of the IOD that a SOP Class stores, or None for a class that the tables do not know.

    :implements: SRS-DEID-004, SDS-DEID-002

    Parameters
    ----------
    sop_class_uid
        The SOP Class UID without padding.
    """
    found: str | None = _table("iod_types.json")["sop_classes"].get(sop_class_uid)
    return found


@cache
def attribute_types(iod: str | None, /) -> IodTypes:
    """Return the Types of an IOD. Where two of its modules differ, the stricter one counts.

    :implements: SRS-DEID-004, SDS-DEID-002

    Parameters
    ----------
    iod
        The IOD's name as :func:`iod_of` returns it; None for a registered class without a module table.
    """
    table = _table("iod_types.json")
    top: dict[int, AttributeType] = {}
    nested = dict(_common_nested_types())
    for module in table["iods"].get(iod, ()):
        for tag, kind in table["top"].get(module, {}).items():
            _keep_stricter(top, int(tag, 16), kind)
        for pair, kind in table["nested_exceptions"].get(module, {}).items():
            _keep_stricter(nested, (int(pair[:8], 16), int(pair[8:], 16)), kind)
    return IodTypes(top, nested)


def safe_private_vr(creator: str, group: int, low_byte: int, /) -> str | None:
    """Return the VR of a private attribute of Table E.3.10-1, or None where it is not known to be safe.

    :implements: SRS-DEID-003, SDS-DEID-001

    Parameters
    ----------
    creator
        The private creator that reserves the block, without padding.
    group
        The odd group.
    low_byte
        The last two digits of the element.
    """
    return _safe_private().get((creator, (group << 8) | low_byte))


def content_rule(value: str, scheme: str, value_type: str, options: frozenset[Option], /) -> str:
    """Return what Table E.3.4-1 asks for a content item: X, D, K or C; nothing where it does not list its concept.

    :implements: SRS-DEID-014, SDS-DEID-001

    Parameters
    ----------
    value
        Code Value of the concept name.
    scheme
        Its Coding Scheme Designator; of a SNOMED concept, its designators before SCT too.
    value_type
        The item's Value Type.
    options
        The options in force. As in Table E.1-1, C counts where others say K.

    Returns
    -------
    str
        For X/D it is D: whether a template needs the item is not known.
    """
    row = _content_rows().get((value, scheme, value_type))
    if row is None:
        return ""
    code, by_option = row
    codes = {by_option[option] for option in options if option in by_option}
    return "C" if "C" in codes else "K" if "K" in codes else code.removeprefix("X/")


def warm_up() -> None:
    """Read every table, so that processes that fork from this one share them.

    :implements: SRS-DEID-002, SDS-DEID-001
    """
    attribute_types(iod_of(_CT_IMAGE))
    _rows_by_tag()
    _registered_uids()
    _safe_private()


def _keep_stricter(types: dict[_Key, AttributeType], key: _Key, kind: str) -> None:
    order = list(AttributeType)
    found = AttributeType(kind) if kind != "None" else AttributeType.OPTIONAL_OR_FOREIGN
    types[key] = min(types.get(key, AttributeType.OPTIONAL_OR_FOREIGN), found, key=order.index)


def _most_values(multiplicity: str, /) -> int | None:
    last = multiplicity.rsplit("-", 1)[-1]
    return int(last) if last.isdigit() else None


@cache
def _table(name: str, /) -> dict:  # type: ignore[type-arg]  # generated JSON, shaped by generate_tables
    loaded: dict = json.loads((files("lungai_core.deid") / "tables" / name).read_text(encoding="utf-8"))  # type: ignore[type-arg]
    return loaded


@cache
def _rows_by_tag() -> dict[str, Row]:
    return {row.tag.strip("()"): row for row in confidentiality_rows()}


@cache
def _content_rows() -> dict[tuple[str, str, str], tuple[str, dict[str, str]]]:
    found: dict[tuple[str, str, str], tuple[str, dict[str, str]]] = {}
    for row in _table("e3_4_1.json")["rows"]:
        names = [(row["value"], row["scheme"])]
        if row["retired_srt_value"]:
            names += [(row["retired_srt_value"], scheme) for scheme in _BEFORE_SCT]
        found |= {(*name, row["value_type"]): (row["code"], row["options"]) for name in names}
    return found


@cache
def _safe_private() -> dict[tuple[str, int], str]:
    return {(creator, int(element, 16)): vr for creator, element, vr in _table("safe_private.json")["rows"]}


@cache
def _registered_uids() -> frozenset[str]:
    return frozenset(_table("dictionary.json")["uids"]) | frozenset(_table("iod_types.json")["sop_classes"])


@cache
def _common_nested_types() -> dict[tuple[int, int], AttributeType]:
    kinds = {kind.value: kind for kind in AttributeType}
    nested = _table("iod_types.json")["nested"]
    return {(int(pair[:8], 16), int(pair[8:], 16)): kinds[kind] for pair, kind in nested.items()}


@cache
def _entry(tag: int, /) -> Entry | None:
    known = _table("dictionary.json")["rows"].get(f"{tag:08X}")
    if known is not None:
        vr, keyword, name, multiplicity = known
        return Entry(tuple(vr.split(" or ")), keyword, name, _most_values(multiplicity))
    # The table of PS3.15 is an edition ahead of the dictionary: 2026d has an attribute that PS3.6 2026c has not.
    row = _rows_by_tag().get(f"{tag >> 16:04X},{tag & 0xFFFF:04X}")
    return None if row is None else Entry(tuple(row.vr.split(" or ")), row.keyword, row.name, None)
