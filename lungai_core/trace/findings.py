"""What a check can find: one stable code a rule, a place, a message and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Finding", "Place", "Rule"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file.

    :implements: SRS-TRACE-001, SDS-TRACE-001

    Parameters
    ----------
    path
        Relative to the project's root, with forward slashes.
    line
        Counted from 1.
    """

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class Rule(Enum):
    """The rules of the static and of the recorded trace; a code never changes its meaning.

    :implements: SRS-TRACE-004, SDS-TRACE-004
    """

    DANGLING_PARENT = ("TRC-101", "Write the missing item, or correct the ID in `parents`.")
    CYCLE = ("TRC-102", "Remove one of the links: links go upward only.")
    DUPLICATE_ITEM = ("TRC-103", "Give one of the two items a new ID.")
    WRONG_LEVEL = ("TRC-104", "Link to an item of an allowed kind.")
    NO_PARENT = ("TRC-105", "Name at least one item of an allowed kind in `parents`.")
    BAD_ITEM_ID = ("TRC-106", "Write the heading as `## ID · Title` with an ID pattern of [tool.lungai_trace.kinds].")
    BAD_METADATA = ("TRC-107", "Mend the fenced toml block under the heading.")
    NO_CHILD = ("TRC-108", "Write an item that names this one in `parents`, or withdraw this one.")
    REPEATED_LINK = ("TRC-109", "Name each item once.")
    OBSOLETE_PARENT = ("TRC-110", "Link to an item that is in force, or withdraw this one too.")
    UNKNOWN_ID_IN_CODE = ("TRC-201", "Correct the ID in the docstring, or write the item.")
    CODE_WITHOUT_ID = ("TRC-202", "Add `:implements: ID` under the docstring's summary, or make the name private.")
    CODE_WRONG_LEVEL = ("TRC-203", "Name an item of a kind with `implemented = true`.")
    NOT_IMPLEMENTED = ("TRC-204", "Name the item in the docstring of its code, or its file in `implemented_by`.")
    UNREADABLE_CODE = ("TRC-205", "Mend the file so that Python can parse it.")
    NO_SUCH_FILE = ("TRC-206", "Correct the path in `implemented_by`.")
    UNKNOWN_ID_IN_TEST = ("TRC-301", "Correct the ID in the marker, or write the item.")
    TEST_WITHOUT_ID = ("TRC-302", 'Add @pytest.mark.verifies("ID") to the test.')
    NO_TEST = ("TRC-303", "Write a test that carries the item's ID in its verifies marker.")
    MARKER_NOT_LITERAL = (
        "TRC-304",
        "Write the IDs as string literals: they are read without running anything.",
    )
    TEST_WRONG_LEVEL = ("TRC-305", "Name an item of a kind with `verified = true`.")
    UNREADABLE_TEST = ("TRC-306", "Mend the file so that Python can parse it.")
    SHADOWED_TEST = ("TRC-307", "Rename one of the two tests: Python keeps only the last.")
    NO_TEXT = ("TRC-401", "Write the item's text under its toml block.")
    SHALL_COUNT = ("TRC-402", 'Write exactly one "shall": one requirement an item.')
    VAGUE_WORD = ("TRC-403", "Replace the word by a number, a list or a named standard.")
    UNTRANSLATED = ("TRC-404", "Add the Chinese text as a block quote that begins with **zh**.")
    NO_CHINESE = ("TRC-405", "Write Chinese in the block quote that begins with **zh**.")
    STALE_TRANSLATION = ("TRC-406", "Bring the Chinese text up to date, then run `lungai trace review`.")
    SUSPECT_LINK = ("TRC-501", "Read what changed and accept it with `lungai trace review`.")
    UNREVIEWED_LINK = ("TRC-502", "Review the new link with `lungai trace review`.")
    VANISHED_LINK = ("TRC-503", "Accept that the link is gone with `lungai trace review`.")
    BAD_LOCK = ("TRC-504", "Restore the lock from version control, then run `lungai trace review`.")
    UNKNOWN_METHOD = ("TRC-601", 'Use method = "test", "analysis", "inspection" or "demonstration".')
    NO_SIGNED_RECORD = ("TRC-602", "Add a signed record for the item under the folder `records`.")
    BAD_SIGNED_RECORD = ("TRC-603", "Mend the record: item, method, outcome, signed_by, signed_on, text_sha256.")
    OUTDATED_SIGNED_RECORD = ("TRC-604", "Repeat the activity for the present text and sign again.")
    FAILED_SIGNED_RECORD = ("TRC-605", "Mend what failed, repeat the activity and sign again.")
    CLOSED_GAP = ("TRC-701", "Run `lungai trace accept`: the list of accepted gaps only shrinks.")
    BAD_GAP_LINE = ("TRC-702", "Write `CODE SUBJECT` on the line, or delete it.")
    NOT_VERIFIED = ("TRC-801", "Run the whole test suite with --trace-record on a committed tree, and mend what fails.")

    def __init__(self, code: str, remedy: str) -> None:
        self.code = code
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule at one place.

    :implements: SRS-TRACE-004, SDS-TRACE-004

    Parameters
    ----------
    rule
        Which rule is broken; it carries the code and the remedy.
    place
        Where to look.
    subject
        What the finding is about, independent of line numbers: an item ID, an object name, a test ID, a link.
    message
        What is wrong, as one sentence.
    """

    rule: Rule
    place: Place
    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule.code} {self.place} {self.message} {self.rule.remedy}"
