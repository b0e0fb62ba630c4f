"""What a profile does, told from the objects that do it: for a reviewer, and for clause E.1.3 of the standard."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lungai_core.deid.actions import Action, decide, effective_code
from lungai_core.deid.marks import BASIC_CODE, METHOD_CODES, SOFTWARE
from lungai_core.deid.standard import (
    AttributeType,
    IodTypes,
    Option,
    confidentiality_rows,
    table_digest,
    table_edition,
)

if TYPE_CHECKING:
    from lungai_core.deid.profile import Profile
    from lungai_core.deid.standard import Row

__all__ = ["DescribedRow", "ProfileDescription", "conformance_statement", "describe"]

_SHOWN_TYPES = (AttributeType.REQUIRED, AttributeType.MAY_BE_EMPTY, AttributeType.OPTIONAL_OR_FOREIGN)


class DescribedRow(NamedTuple):
    """A row of Table E.1-1 under a profile: its code, and the action for Type 1, for Type 2, and otherwise.

    :implements: SRS-DEID-010, SDS-DEID-008
    """

    tag: str
    name: str
    basic_code: str
    effective_code: str
    if_required: str
    if_may_be_empty: str
    otherwise: str


class ProfileDescription(NamedTuple):
    """Everything that a profile decides.

    :implements: SRS-DEID-010, SDS-DEID-008
    """

    profile: Profile
    rows: tuple[DescribedRow, ...]
    method_codes: tuple[tuple[str, str], ...]
    disagreeing: tuple[str, ...]


def describe(profile: Profile, /) -> ProfileDescription:
    """Tell what a profile does with each row of Table E.1-1.

    :implements: SRS-DEID-010, SDS-DEID-008

    Parameters
    ----------
    profile
        The options in force.

    Returns
    -------
    ProfileDescription
        The actions come from the function that decides while files are written; nothing is written down twice.
    """
    return ProfileDescription(
        profile=profile,
        rows=tuple(_described(row, profile) for row in confidentiality_rows()),
        method_codes=(BASIC_CODE, *(METHOD_CODES[option] for option in sorted(profile.options))),
        disagreeing=tuple(
            f"{row.tag} {row.name}"
            for row in confidentiality_rows()
            if {code for option, code in row.options if profile.has(option)} >= {"K", "C"}
        ),
    )


def conformance_statement(description: ProfileDescription, /) -> str:
    """Return the conformance statement (PS3.15 E.1.3) as Markdown, with the table of all rows.

    :implements: SRS-DEID-010, SDS-DEID-008

    Parameters
    ----------
    description
        As :func:`describe` returns it.
    """
    profile = description.profile
    chosen = sorted(profile.options)
    lines = [
        f"# De-identification: conformance statement · 去标识化符合性声明 ({profile.name})",
        "",
        f"{SOFTWARE}, profile digest `{profile.digest()}`. DICOM PS3.15 {table_edition()} Table E.1-1, 657 rows,",
        f"SHA-256 of the canonical rows `{table_digest()}`.",
        "The statement says what the software does; it is no claim of compliance.",
        "",
        "## Profile and options (CID 7050)",
        "",
        *(f"* {code} {meaning}" for code, meaning in description.method_codes),
        "",
        "## Decisions that the standard leaves open",
        "",
        *(f"* {line}" for line in _decisions(profile, description.disagreeing)),
        "",
        "## Options that are not chosen",
        "",
        *(f"* {option.value}" for option in Option if option not in chosen),
        "",
        "## Every row of Table E.1-1",
        "",
        "| tag | attribute | Basic | here | Type 1 | Type 2 | Type 3 or not in the IOD |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *("| " + " | ".join(row) + " |" for row in description.rows),
    ]
    return "\n".join(lines) + "\n"


def _described(row: Row, profile: Profile) -> DescribedRow:
    code = effective_code(row, profile)
    actions = [_action(row, profile, kind).value for kind in _SHOWN_TYPES]
    return DescribedRow(row.tag, row.name, row.code, code, *actions)


def _action(row: Row, profile: Profile, kind: AttributeType) -> Action:
    digits = row.tag.strip("()").replace(",", "").replace("x", "0")
    # The row for private attributes stands for every odd group.
    tag = 0x00091001 if "gggg" in row.tag else int(digits, 16)
    return decide(tag, profile=profile, types=IodTypes(top={tag: kind}, nested={})).action


def _decisions(profile: Profile, disagreeing: tuple[str, ...]) -> list[str]:
    dates = "are removed or emptied"
    if profile.has(Option.RETAIN_FULL_DATES):
        dates = "are kept"
    elif profile.has(Option.RETAIN_MODIFIED_DATES):
        dates = (
            "move back by a number of days between 365 and 3649 that is the same for all dates of a patient; times stay"
        )
    uids = "are kept" if profile.has(Option.RETAIN_UIDS) else f"are replaced by keyed ones under {profile.uid_root}"
    age = (
        "has no limit"
        if profile.age_limit_years is None
        else f"above {profile.age_limit_years} years is given as one year more"
    )
    conflict = f"Where one option says K and another C, C is done: {', '.join(disagreeing)}." if disagreeing else ""
    return [
        f"Instance UIDs {uids}.",
        f"Dates {dates}.",
        f"An age that is kept {age}.",
        *_FIXED,
        *([conflict] if conflict else []),
    ]


_FIXED = (
    "Patient name and ID become one keyed pseudonym a patient.",
    "Attributes that neither Table E.1-1 nor the dictionary of PS3.6 2026c knows are removed, at each depth.",
    "Text outside of Table E.1-1 keeps known technical attributes; of other text only a closed vocabulary stays.",
    "A removed value is searched for in all that is kept of the file; where it cannot go, the file is withheld.",
    "Overlay and curve groups are removed as wholes, under Clean Graphics too: their bitmaps are not read.",
    "A reference sequence of Type 1 or 2 keeps its references with new UIDs; other X/Z/U* sequences are removed.",
    "Encapsulated documents are replaced by one without content.",
    "Preamble, file meta information, group lengths, trailing padding, digital signatures and MACs do not survive.",
    "Images that may show text are withheld unless the profile names regions to blank.",
    "Clean Recognizable Visual Features is not done; the audit counts images whose body part shows a head or neck.",
    "Pixel data are neither decoded nor recompressed; LossyImageCompression is not touched.",
)
