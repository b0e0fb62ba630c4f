"""From a profile, a place and an attribute to the one action that is taken: the only function that decides."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from lungai_core.deid.standard import (
    AttributeType,
    Entry,
    IodTypes,
    Option,
    Row,
    dictionary_entry,
    row_of,
)

if TYPE_CHECKING:
    from lungai_core.deid.profile import Profile

__all__ = ["ICC_PROFILE", "PIXELS", "Action", "Decision", "Mode", "decide", "effective_code", "settle"]


class Action(StrEnum):
    """What happens to one attribute at one place.

    :implements: SRS-DEID-004, SDS-DEID-002
    """

    KEEP = "keep"
    KEEP_IF_PLAIN = "keep_if_plain"
    REMOVE = "remove"
    EMPTY = "empty"
    DUMMY = "dummy"
    CLEAN_TEXT = "clean_text"
    CLEAN_TECHNICAL = "clean_technical"
    CLEAN_MEANING = "clean_meaning"
    KEEP_TERMS = "keep_terms"
    SHIFT_DATE = "shift_date"
    MAP_UID = "map_uid"
    MAP_UID_UNLESS_REGISTERED = "map_uid_unless_registered"
    PSEUDONYM = "pseudonym"
    LIMIT_AGE = "limit_age"
    CLEAN_ITEMS = "clean_items"
    DUMMY_ITEMS = "dummy_items"
    DUMMY_CODE = "dummy_code"
    DUMMY_DOCUMENT = "dummy_document"
    KEEP_IF_SAFE_PRIVATE = "keep_if_safe_private"
    REPLACE_MARK = "replace_mark"


class Mode(StrEnum):
    """How text outside of Table E.1-1 is treated.

    Cleaned as a rule; replaced under a sequence that has to be a dummy. A published code keeps its value; another one
    is cleaned. The value of an SR content item is treated as Table E.3.4-1 says for its concept.

    :implements: SRS-DEID-004, SDS-DEID-002
    """

    NORMAL = "normal"
    DUMMY = "dummy"
    PRIVATE_CODE = "private_code"
    PUBLISHED_CODE = "published_code"
    CONTENT_DUMMY = "content_dummy"
    CONTENT_KEEP = "content_keep"
    CONTENT_CLEAN = "content_clean"


class Decision(NamedTuple):
    """The action for an attribute, the one for an unfit value, the VR to write, and the row's code.

    :implements: SRS-DEID-004, SDS-DEID-002
    """

    tag: int
    action: Action
    otherwise: Action
    vr: str
    code: str
    keyword: str


_CONTENT_MODES = frozenset({Mode.CONTENT_DUMMY, Mode.CONTENT_KEEP, Mode.CONTENT_CLEAN})
_REQUIRED = (AttributeType.REQUIRED, AttributeType.REQUIRED_IF)
_MARKS = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303})
_PSEUDONYMS = frozenset({0x00100010, 0x00100020})
_PATIENT_AGE, _PATIENT_SEX, _TIMEZONE, _DOCUMENT = 0x00101010, 0x00100040, 0x00080201, 0x00420011
_CODE_MEANING = 0x00080104
_CODE = frozenset({0x00080100, 0x00080102, 0x00080119})
_CHARSET = 0x00080005
# Date time, date, time, person name, UID, text and number of a content item, and its code.
_CONTENT_VALUES = frozenset(
    {0x0040A120, 0x0040A121, 0x0040A122, 0x0040A123, 0x0040A124, 0x0040A160, 0x0040A30A, 0x0040A168}
)
# Sealed or signed content, and the length of a document that is replaced: none survives a change.
_NEVER_KEPT = frozenset({0x04000500, 0x4FFE0001, 0x00420015})
_CODE_SEQUENCE_SUFFIXES = ("CodeSequence", "CodeSequenceTrial")
# Command, file meta and directory elements (PS3.7, PS3.10) stand in the even groups up to this one.
_LAST_GROUP_BEFORE_DATA = 0x0006
_OVERLAY_FAMILY, _CURVE_FAMILY = 0x60, 0x50
_TEXT_VRS = frozenset({"LO", "SH", "ST", "LT", "UT", "UC"})
_NEVER_PLAIN_VRS = frozenset({"PN", "AE", "UR"})
_CHECKED_VRS = frozenset({"CS", "DS", "IS", "AS"})
_DATE_VRS = frozenset({"DA", "DT", "TM"})
# Bytes without a visible structure are not known to be safe; of those outside the table these are image content.
ICC_PROFILE = 0x00282000
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_IMAGE_BYTES = PIXELS | {ICC_PROFILE, 0x54001010, 0x5400100A, 0x54000110, 0x54000112}
# Manufacturer, model name, software versions: with the device's identity their exact words stay.
_DEVICE_TEXT = frozenset({0x00080070, 0x00081090, 0x00181020})
# Technical text keeps the words and version numbers of instruments, codes and algorithms; everything else outside the
# table is cleaned by the vocabulary of descriptions.
_TECHNICAL_TEXT = frozenset(
    {
        0x00080070,  # Manufacturer
        0x00080100,  # Code Value
        0x00080102,  # Coding Scheme Designator
        0x00080103,  # Coding Scheme Version
        0x00080119,  # Long Code Value
        0x00081090,  # Manufacturer's Model Name
        0x00180024,  # Sequence Name
        0x00180085,  # Imaged Nucleus
        0x00181020,  # Software Versions
        0x00181160,  # Filter Type
        0x00181210,  # Convolution Kernel
        0x00181250,  # Receive Coil Name
        0x00181251,  # Transmit Coil Name
        0x00189005,  # Pulse Sequence Name
        0x00189320,  # Image Filter
        0x00209056,  # Stack ID
        0x00281054,  # Rescale Type
        0x00283004,  # Modality LUT Type
        0x00420012,  # MIME Type of Encapsulated Document
        0x00480106,  # Optical Path Identifier
        0x00541101,  # Attenuation Correction Method
        0x00541103,  # Reconstruction Method
        0x00541105,  # Scatter Correction Method
        0x00620009,  # Segment Algorithm Name
        0x00660031,  # Algorithm Version
        0x00660036,  # Algorithm Name
        0x00240202,  # Algorithm Source
    }
)


def decide(
    tag: int, /, *, profile: Profile, types: IodTypes, parent: int | None = None, mode: Mode = Mode.NORMAL
) -> Decision:
    """Decide what happens to an attribute.

    :implements: SRS-DEID-002, SRS-DEID-004, SDS-DEID-002

    Parameters
    ----------
    tag
        The attribute as a 32-bit number.
    profile
        The options in force.
    types
        The Types of the IOD that the data set is of.
    parent
        The sequence whose item holds the attribute; None at the top level.
    mode
        How text outside of Table E.1-1 is treated.

    Returns
    -------
    Decision
        Never undecided: what neither the table nor the dictionary knows is removed.
    """
    found = types.type_at(tag, parent=parent)
    special = _special(tag, profile, parent)
    if special is not None:
        return special
    row, entry = row_of(tag), dictionary_entry(tag)
    if mode in _CONTENT_MODES and tag in _CONTENT_VALUES and entry is not None:
        return _content_value(tag, entry, row, profile, mode)
    if row is not None:
        return _from_row(tag, row, entry, profile, found)
    if entry is None:
        return Decision(tag, Action.REMOVE, Action.REMOVE, "UN", "", "")
    return _outside_table(tag, entry, profile, found, mode)


def effective_code(row: Row, profile: Profile, /) -> str:
    """Return the code that the chosen options leave of a row.

    :implements: SRS-DEID-003, SDS-DEID-002

    Parameters
    ----------
    row
        A row of Table E.1-1.
    profile
        The options in force. Where one says K and another C (11 attributes: device identity against modified dates), C
        counts: a date of the device says when the patient was there.
    """
    codes = {code for option, code in row.options if profile.has(option)}
    return "C" if "C" in codes else "K" if "K" in codes else row.code


def settle(code: str, found: AttributeType, /) -> Action:
    """Settle a code that leaves a choice by the Type of the attribute, so that the object stays conformant.

    :implements: SRS-DEID-004, SDS-DEID-002

    Parameters
    ----------
    code
        A code of the Basic Profile: X, Z, D, U or one of their combinations.
    found
        The Type at this place.

    Returns
    -------
    Action
        REMOVE, EMPTY, DUMMY, MAP_UID, or CLEAN_ITEMS for a sequence of references whose UIDs are mapped.
    """
    if code in ("D", "U"):
        return Action.DUMMY if code == "D" else Action.MAP_UID
    if code == "X/Z/U*":
        # An empty list would be conformant for Type 2 as well, but a segmentation would lose the images that it
        # belongs to.
        return Action.REMOVE if found is AttributeType.OPTIONAL_OR_FOREIGN else Action.CLEAN_ITEMS
    if found in _REQUIRED and not (code == "X" and found is AttributeType.REQUIRED_IF):
        return Action.DUMMY
    if code in ("Z", "Z/D"):
        return Action.EMPTY
    if found is AttributeType.MAY_BE_EMPTY or (found is AttributeType.MAY_BE_EMPTY_IF and code != "X"):
        return Action.EMPTY
    return Action.REMOVE


def _special(tag: int, profile: Profile, parent: int | None) -> Decision | None:
    group = tag >> 16
    if group % 2:
        action = Action.KEEP_IF_SAFE_PRIVATE if profile.has(Option.RETAIN_SAFE_PRIVATE) else Action.REMOVE
        return Decision(tag, action, Action.REMOVE, "UN", "X", "private")
    family = group >> 8
    # A plane whose data go leaves its rows, columns and labels without a meaning: the group goes as a whole.
    if tag & 0xFFFF == 0 or group <= _LAST_GROUP_BEFORE_DATA or family in (_OVERLAY_FAMILY, _CURVE_FAMILY):
        label = {_OVERLAY_FAMILY: "overlay", _CURVE_FAMILY: "curve"}.get(family, "group length or command")
        return Decision(tag, Action.REMOVE, Action.REMOVE, "UN", "X", label)
    if tag in _NEVER_KEPT:
        return Decision(tag, Action.REMOVE, Action.REMOVE, "UN", "X", "sealed content")
    if parent is None and tag in _MARKS:
        return Decision(tag, Action.REPLACE_MARK, Action.REPLACE_MARK, "CS", "", "mark")
    return None


def _from_row(tag: int, row: Row, entry: Entry | None, profile: Profile, found: AttributeType) -> Decision:
    code = effective_code(row, profile)
    vr = entry.vrs[0] if entry is not None else row.vr
    otherwise = _for_vr(settle(row.code, found), tag, vr, row.keyword)
    if code == "K":
        action = _kept(tag, vr, profile)
    elif code == "C":
        action = _cleaned(tag, vr, otherwise)
    else:
        action = otherwise
    if tag in _PSEUDONYMS and code != "K":
        action = Action.PSEUDONYM
    return Decision(tag, action, otherwise, vr, code, row.keyword)


def _content_value(tag: int, entry: Entry, row: Row | None, profile: Profile, mode: Mode) -> Decision:
    # An item that has lost its value would be no content item: what cannot stay becomes a dummy.
    vr, code = entry.vrs[0], {Mode.CONTENT_DUMMY: "D", Mode.CONTENT_KEEP: "K", Mode.CONTENT_CLEAN: "C"}[mode]
    dummy = Action.DUMMY_CODE if vr == "SQ" else Action.MAP_UID if vr == "UI" else Action.DUMMY
    action = dummy
    if mode is Mode.CONTENT_KEEP:
        action = _kept(tag, vr, profile)
    elif mode is Mode.CONTENT_CLEAN:
        action = _cleaned(tag, vr, dummy)
    return Decision(tag, action, dummy, vr, code, entry.keyword if row is None else row.keyword)


def _kept(tag: int, vr: str, profile: Profile) -> Action:
    if vr == "SQ":
        return Action.CLEAN_ITEMS
    if tag == _PATIENT_AGE and profile.age_limit_years is not None:
        return Action.LIMIT_AGE
    return Action.KEEP if vr in _TEXT_VRS or vr in _NEVER_PLAIN_VRS else Action.KEEP_IF_PLAIN


def _cleaned(tag: int, vr: str, otherwise: Action) -> Action:
    if vr == "SQ":
        return Action.CLEAN_ITEMS
    if vr in ("DA", "DT"):
        return Action.SHIFT_DATE
    if vr == "TM" or tag == _TIMEZONE:
        return Action.KEEP_IF_PLAIN
    # Names of machines, planes and bytes cannot be cleaned by words: the Basic Profile's action is taken.
    return Action.CLEAN_TEXT if vr in _TEXT_VRS else otherwise


def _for_vr(action: Action, tag: int, vr: str, keyword: str) -> Action:
    if tag == _DOCUMENT and action is Action.DUMMY:
        return Action.DUMMY_DOCUMENT
    if vr == "UI" and action is Action.DUMMY:
        return Action.MAP_UID
    if vr == "SQ" and action is Action.DUMMY:
        return Action.DUMMY_CODE if keyword.endswith(_CODE_SEQUENCE_SUFFIXES) else Action.DUMMY_ITEMS
    if tag == _PATIENT_SEX and action is Action.DUMMY:
        return Action.EMPTY
    return action


def _outside_table(tag: int, entry: Entry, profile: Profile, found: AttributeType, mode: Mode) -> Decision:
    vr = entry.vrs[0]
    otherwise = _for_vr(settle("X/Z/D", found), tag, vr, entry.keyword)
    return Decision(tag, _outside_action(tag, entry, profile, mode, otherwise), otherwise, vr, "", entry.keyword)


def _outside_action(tag: int, entry: Entry, profile: Profile, mode: Mode, otherwise: Action) -> Action:
    vr = entry.vrs[0]
    if vr == "SQ":
        return Action.DUMMY_ITEMS if mode is Mode.DUMMY else Action.CLEAN_ITEMS
    if vr == "UI":
        return Action.KEEP_IF_PLAIN if profile.has(Option.RETAIN_UIDS) else Action.MAP_UID_UNLESS_REGISTERED
    if vr in _DATE_VRS:
        return _outside_date(vr, profile, otherwise)
    if vr in _TEXT_VRS or (vr == "CS" and tag != _CHARSET):
        return Action.KEEP_TERMS if vr == "CS" else _outside_text(tag, profile, mode, otherwise)
    if vr in _NEVER_PLAIN_VRS or (vr in ("OB", "UN") and tag not in _IMAGE_BYTES):
        return otherwise
    return Action.KEEP_IF_PLAIN if vr in _CHECKED_VRS else Action.KEEP


def _outside_text(tag: int, profile: Profile, mode: Mode, otherwise: Action) -> Action:
    if mode is Mode.PUBLISHED_CODE and tag in _CODE:
        return Action.KEEP
    if mode is Mode.DUMMY:
        return otherwise
    if tag in _DEVICE_TEXT and profile.has(Option.RETAIN_DEVICE_IDENTITY):
        return Action.KEEP_IF_PLAIN
    if tag == _CODE_MEANING:
        return Action.CLEAN_MEANING
    return Action.CLEAN_TECHNICAL if tag in _TECHNICAL_TEXT else Action.CLEAN_TEXT


def _outside_date(vr: str, profile: Profile, otherwise: Action) -> Action:
    if profile.has(Option.RETAIN_FULL_DATES) or (vr == "TM" and profile.has(Option.RETAIN_MODIFIED_DATES)):
        return Action.KEEP_IF_PLAIN
    return Action.SHIFT_DATE if profile.has(Option.RETAIN_MODIFIED_DATES) else otherwise
