"""The seeded defects of the tool validation: what is broken in the sample project, and what must be found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.trace.findings import Rule
from lungai_core.trace.record import Outcome
from lungai_core.trace.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["RunDefect", "TextDefect", "run_defects", "text_defects"]

_LINKED = {  # item: a parent of it
    "RC-001": "HAZ-001",
    "RC-002": "HAZ-002",
    "SRS-001": "UN-001",
    "SRS-002": "UN-001",
    "SRS-003": "UN-002",
    "SRS-004": "UN-002",
    "SDS-001": "SRS-001",
    "SDS-002": "SRS-003",
}
_WRONG_PARENT = {"RC": "UN-001", "SRS": "HAZ-001", "SDS": "UN-001"}
_REQUIREMENTS = ("RC-001", "RC-002", "SRS-001", "SRS-002", "SRS-003", "SRS-004")
_CODE = "dose/__init__.py"
_TESTS = "tests/test_dose.py"
_OBJECTS = {"RateError": "SRS-002, SDS-001", "rate": "SRS-001, SRS-002, SRS-004, SDS-001", "record": "SRS-003, SDS-002"}
_TEST_MARKS = {
    "test_rate_is_dose_by_time": '"SRS-001"',
    "test_rate_above_the_limit_is_refused": '"SRS-002", "RC-001"',
    "test_rate_at_the_limit_is_accepted": '"SRS-002"',
    "test_record_has_two_decimals_and_the_unit": '"SRS-003", "RC-002"',
}
_VAGUE = ("some", "sufficient", "appropriate", "etc.", "fast", "user-friendly")
_FAILURES = (Outcome.FAILED, Outcome.ERROR, Outcome.CRASHED, Outcome.TIMEOUT, Outcome.XPASSED_STRICT)


@dataclass(frozen=True, slots=True)
class TextDefect:
    """A defect in a file of the sample project.

    :implements: SRS-TRACE-014, SDS-TRACE-016

    Parameters
    ----------
    name
        What is broken, in words.
    path, old, new
        The text that is replaced once; an empty ``old`` appends.
    rule, subject
        The finding that must appear; its subject begins with this text.
    """

    name: str
    path: str
    old: str
    new: str
    rule: Rule
    subject: str


@dataclass(frozen=True, slots=True)
class RunDefect:
    """A defect of a run on the unbroken sample project.

    :implements: SRS-TRACE-014, SDS-TRACE-016

    Parameters
    ----------
    name
        What is broken, in words.
    test, outcome
        The test whose outcome is changed; an empty outcome removes it from the record. An empty test leaves all passed.
    change
        A field of the record that is changed instead: ``partial``, ``dirty``, ``commit``, ``sources``, ``none``.
    item, verdict
        The item, and the verdict that it must get.
    """

    name: str
    test: str
    outcome: Outcome | None
    change: str
    item: str
    verdict: Verdict


def text_defects(files: Mapping[str, str], /) -> Iterator[TextDefect]:
    """Give the defects of items, code, tests, lock and signed records.

    :implements: SRS-TRACE-014, SDS-TRACE-016

    Parameters
    ----------
    files
        The text of each file of the sample project, by path, its lock included.
    """
    documents = {item_id: path for path in files for item_id in re.findall(r"(?m)^## (\S+) ·", files[path])}
    yield from _link_defects(files, documents)
    yield from _document_defects(files, documents)
    yield from _wording_defects(files, documents)
    yield from _code_defects(files)
    yield from _test_defects(files)
    yield from _review_defects(files, documents)
    yield from _record_defects(files)


def run_defects() -> Iterator[RunDefect]:
    """Give the defects of runs.

    :implements: SRS-TRACE-014, SDS-TRACE-016
    """
    for outcome in Outcome:
        if outcome is Outcome.PASSED:
            continue
        verdict = Verdict.FAILED if outcome in _FAILURES else Verdict.INCOMPLETE
        name = outcome.replace("_", " ")
        test = "test_rate_at_the_limit_is_accepted"
        yield RunDefect(f"one of two tests is {name}: its requirement", test, outcome, "", "SRS-002", verdict)
        yield RunDefect(f"one of two tests is {name}: the hazard above", test, outcome, "", "HAZ-001", verdict)
        only = "test_record_has_two_decimals_and_the_unit"
        yield RunDefect(f"the only test is {name}: its control", only, outcome, "", "RC-002", verdict)
    for test, item in (("test_rate_is_dose_by_time", "SRS-001"), ("test_rate_above_the_limit_is_refused", "RC-001")):
        yield RunDefect(f"{test} is not in the record", test, None, "", item, Verdict.INCOMPLETE)
    for change, what, verdict in (
        ("partial", "the run left a test out", Verdict.INCOMPLETE),
        ("dirty", "the run was made with uncommitted files", Verdict.STALE),
        ("commit", "the run was made on another commit", Verdict.STALE),
        ("sources", "a source changed after the run", Verdict.STALE),
        ("none", "there is no run", Verdict.NOT_VERIFIED),
    ):
        yield RunDefect(what, "", None, change, "SRS-001", verdict)


def _section(files: Mapping[str, str], path: str, item_id: str, /) -> str:
    start = files[path].index(f"## {item_id} ·")
    end = files[path].find("\n## ", start)
    return files[path][start:] if end < 0 else files[path][start : end + 1]


def _link_defects(files: Mapping[str, str], documents: Mapping[str, str], /) -> Iterator[TextDefect]:
    for item_id, parent in _LINKED.items():
        path = documents[item_id]
        section = _section(files, path, item_id)
        kind = item_id.partition("-")[0]
        quoted = f'"{parent}"'

        def edited(new: str, section: str = section, quoted: str = quoted) -> str:
            return section.replace(quoted, new, 1)

        missing = parent[:-1] + "9"
        yield TextDefect(
            f"{item_id} links up to an item that does not exist", path, section, edited(f'{quoted}, "{missing}"'),
            Rule.DANGLING_PARENT, f"{item_id} -> {missing}",
        )  # fmt: skip
        wrong = _WRONG_PARENT[kind]
        yield TextDefect(
            f"{item_id} links up to an item of a wrong kind", path, section, edited(f'{quoted}, "{wrong}"'),
            Rule.WRONG_LEVEL, f"{item_id} -> {wrong}",
        )  # fmt: skip
        yield TextDefect(
            f"{item_id} names a parent twice", path, section, edited(f"{quoted}, {quoted}"),
            Rule.REPEATED_LINK, f"{item_id} -> {parent}",
        )  # fmt: skip
        none = re.sub(r"(?m)^parents = .*\n", "", section)
        yield TextDefect(f"{item_id} has no parent", path, section, none, Rule.NO_PARENT, item_id)
        yield TextDefect(
            f"{item_id} links to itself", path, section, edited(f'{quoted}, "{item_id}"'), Rule.CYCLE, f"{item_id} -> "
        )
    for parent, child, kind in (("UN-001", "SRS", "software"), ("HAZ-001", "RC-001", "control")):
        path = documents[parent]
        lone = f"## {parent[:-1]}8 · Alone\n\n```toml\n```\n\nNothing follows.\n\n> **zh** 无后续。\n"
        yield TextDefect(f"no {child} below {parent[:-1]}8", path, "", lone, Rule.NO_CHILD, f"{parent[:-1]}8 {kind}")


def _document_defects(files: Mapping[str, str], documents: Mapping[str, str], /) -> Iterator[TextDefect]:
    for item_id, path in documents.items():
        section = _section(files, path, item_id)
        yield TextDefect(f"{item_id} is written twice", path, "", f"\n{section}", Rule.DUPLICATE_ITEM, item_id)
        heading = f"## {item_id} ·"
        yield TextDefect(f"{item_id} lacks its dot", path, heading, f"## {item_id}", Rule.BAD_ITEM_ID, item_id)
        broken = section.replace('"', "'", 1)
        yield TextDefect(f"the toml block of {item_id} is broken", path, section, broken, Rule.BAD_METADATA, item_id)
    for item_id in ("UN-001", "HAZ-001", "SRS-001"):
        path = documents[item_id]
        section = _section(files, path, item_id)
        obsolete = section.replace('"approved"', '"obsolete"')
        yield TextDefect(f"{item_id} is obsolete and still a parent", path, section, obsolete, Rule.OBSOLETE_PARENT, "")
        odd = section.replace(f"## {item_id}", f"## {item_id}0")
        yield TextDefect(f"{item_id} has one digit too many", path, section, odd, Rule.BAD_ITEM_ID, f"{item_id}0")
    for item_id in ("SRS-001", "RC-001"):
        path = documents[item_id]
        section = _section(files, path, item_id)
        odd = section.replace('"test"', '"belief"')
        yield TextDefect(f"{item_id} has an unknown method", path, section, odd, Rule.UNKNOWN_METHOD, item_id)


def _wording_defects(files: Mapping[str, str], documents: Mapping[str, str], /) -> Iterator[TextDefect]:
    for item_id in _REQUIREMENTS:
        path = documents[item_id]
        section = _section(files, path, item_id)
        two = section.replace("The software shall", "The software shall work and shall", 1)
        yield TextDefect(f"{item_id} says shall twice", path, section, two, Rule.SHALL_COUNT, item_id)
        none = section.replace("shall", "will")
        yield TextDefect(f"{item_id} does not say shall", path, section, none, Rule.SHALL_COUNT, item_id)
    for word, item_id in zip(_VAGUE, _REQUIREMENTS, strict=True):
        path = documents[item_id]
        section = _section(files, path, item_id)
        vague = section.replace(" shall ", f" shall {word} ", 1)
        yield TextDefect(f"{item_id} says {word}", path, section, vague, Rule.VAGUE_WORD, f"{item_id} {word}")
    for item_id, path in documents.items():
        section = _section(files, path, item_id)
        bare = re.sub(r"(?m)^> \*\*zh\*\* .*\n", "", section)
        yield TextDefect(f"{item_id} has no Chinese", path, section, bare, Rule.UNTRANSLATED, item_id)
        latin = re.sub(r"(?m)^> \*\*zh\*\* .*$", "> **zh** to be translated", section)
        yield TextDefect(f"the Chinese of {item_id} is English", path, section, latin, Rule.NO_CHINESE, item_id)
        head, _, rest = section.partition("```\n\n")
        empty = f"{head}```\n\n{rest[rest.index('> **zh**') :]}"
        yield TextDefect(f"{item_id} has no text", path, section, empty, Rule.NO_TEXT, item_id)


def _code_defects(files: Mapping[str, str], /) -> Iterator[TextDefect]:
    for name, ids in _OBJECTS.items():
        field = f":implements: {ids}"
        more = f"{field}, SRS-009"
        yield TextDefect(
            f"{name} implements an unknown item", _CODE, field, more, Rule.UNKNOWN_ID_IN_CODE, f"dose.{name} -> SRS-009"
        )
        wrong = f"{field}, HAZ-001"
        yield TextDefect(f"{name} implements a hazard", _CODE, field, wrong, Rule.CODE_WRONG_LEVEL, f"dose.{name}")
        yield TextDefect(f"{name} carries no ID", _CODE, field, "", Rule.CODE_WITHOUT_ID, f"dose.{name}")
    for item_id in ("SRS-001", "SRS-003", "SRS-004", "SDS-002"):
        path = "items/design.md" if item_id.startswith("SDS") else "items/software.md"
        kept = re.sub(rf"(:implements:.*){item_id}(, )?", r"\1", files[_CODE])
        kept = re.sub(r"(?m), *$", "", kept)
        yield TextDefect(f"nothing implements {item_id}", _CODE, files[_CODE], kept, Rule.NOT_IMPLEMENTED, item_id)
        status = _section(files, path, item_id)
        lost = status.replace("status =", 'implemented_by = ["lost.toml"]\nstatus =')
        yield TextDefect(f"the file of {item_id} is lost", path, status, lost, Rule.NO_SUCH_FILE, item_id)
    new = "\n\ndef bolus(dose_mg):\n    return dose_mg\n"
    yield TextDefect("a new function has no docstring", _CODE, "", new, Rule.CODE_WITHOUT_ID, "dose.bolus")
    yield TextDefect("the code is not Python", _CODE, "def rate(", "def rate((", Rule.UNREADABLE_CODE, _CODE)


def _test_defects(files: Mapping[str, str], /) -> Iterator[TextDefect]:
    for name, ids in _TEST_MARKS.items():
        test_id = f"{_TESTS}::{name}"
        whole = f"@pytest.mark.verifies({ids})\ndef {name}"
        unknown = whole.replace(ids, f'{ids}, "SRS-009"')
        yield TextDefect(f"{name} verifies an unknown item", _TESTS, whole, unknown, Rule.UNKNOWN_ID_IN_TEST, test_id)
        wrong = whole.replace(ids, f'{ids}, "SDS-001"')
        yield TextDefect(f"{name} verifies a design", _TESTS, whole, wrong, Rule.TEST_WRONG_LEVEL, test_id)
        yield TextDefect(f"{name} has no marker", _TESTS, whole, f"def {name}", Rule.TEST_WITHOUT_ID, test_id)
        computed = whole.replace(ids, f"{ids}, str()")
        yield TextDefect(f"a marker of {name} is computed", _TESTS, whole, computed, Rule.MARKER_NOT_LITERAL, _TESTS)
        twin = f"\n\n@pytest.mark.verifies({ids})\ndef {name}():\n    assert True\n"
        yield TextDefect(f"{name} is written twice", _TESTS, "", twin, Rule.SHADOWED_TEST, test_id)
    for item_id in ("SRS-001", "SRS-003", "RC-001", "RC-002"):
        kept = re.sub(rf'(verifies\(.*?)"{item_id}"', r'\1"SRS-002"', files[_TESTS])
        yield TextDefect(f"no test verifies {item_id}", _TESTS, files[_TESTS], kept, Rule.NO_TEST, item_id)
    yield TextDefect("the tests are not Python", _TESTS, "def test_", "def (test_", Rule.UNREADABLE_TEST, _TESTS)


def _review_defects(files: Mapping[str, str], documents: Mapping[str, str], /) -> Iterator[TextDefect]:
    for item_id, path in documents.items():
        section = _section(files, path, item_id)
        head, _, rest = section.partition("```\n\n")
        changed = f"{head}```\n\n{rest.replace('The ', 'All the ', 1) if 'The ' in rest else 'Now: ' + rest}"
        name = f"the text of {item_id} changed after its review"
        yield TextDefect(f"{name}: the translation", path, section, changed, Rule.STALE_TRANSLATION, f"{item_id} -> zh")
        yield TextDefect(f"{name}: its links", path, section, changed, Rule.SUSPECT_LINK, "")
    for name in _TEST_MARKS:
        old = files[_TESTS].partition(f"def {name}():\n")[2].partition("\n")[0]
        changed = old.replace("dose.", "dose. ", 1) + "  # changed"
        yield TextDefect(
            f"the body of {name} changed after its review", _TESTS, old, changed, Rule.SUSPECT_LINK, f"{_TESTS}::{name}"
        )
    yield TextDefect(
        "a docstring changed after its review", _CODE, "A rate is above", "One rate is above",
        Rule.SUSPECT_LINK, "dose.RateError -> ",
    )  # fmt: skip
    lines = [
        line for line in files["trace.lock"].splitlines(keepends=True) if " -> " in line and not line.startswith("#")
    ]
    for line in lines[:: max(1, len(lines) // 6)]:
        link = line.partition(" sha256:")[0]
        yield TextDefect(f"{link} is not in the lock", "trace.lock", line, "", Rule.UNREVIEWED_LINK, link)
        gone = line.replace(link, f"{link}9")
        yield TextDefect(f"the lock names {link}9", "trace.lock", "", gone, Rule.VANISHED_LINK, f"{link}9")
        cut = line.replace("sha256:", "md5:", 1)
        yield TextDefect(f"the line of {link} is damaged", "trace.lock", line, cut, Rule.BAD_LOCK, link[:20])


def _record_defects(files: Mapping[str, str], /) -> Iterator[TextDefect]:
    path = "records/srs_004.toml"
    text = files[path]
    digest = re.findall(r"[0-9a-f]{64}", text)[0]
    other = text.replace("SRS-004", "SRS-009")
    cases = (
        ("the record is for another item", text, other, Rule.NO_SIGNED_RECORD, "SRS-004"),
        ("the record is for an unknown item", text, other, Rule.BAD_SIGNED_RECORD, "SRS-009"),
        ("the record is for an older text", digest, "0" * 64, Rule.OUTDATED_SIGNED_RECORD, "SRS-004"),
        ("the record is of another method", '"inspection"', '"analysis"', Rule.OUTDATED_SIGNED_RECORD, "SRS-004"),
        ("the inspection failed", '"pass"', '"fail"', Rule.FAILED_SIGNED_RECORD, "SRS-004"),
        ("nobody signed", '"The authors of the sample"', '""', Rule.BAD_SIGNED_RECORD, path),
        ("the record has no date", "2026-11-22", "recently", Rule.BAD_SIGNED_RECORD, path),
        ("the record is not toml", "item =", "item", Rule.BAD_SIGNED_RECORD, path),
    )
    for name, old, new, rule, subject in cases:
        yield TextDefect(name, path, old, new, rule, subject)
    closed, damaged = "TRC-303 SRS-001\n", "303\n"
    yield TextDefect("an accepted gap is closed", "trace.gaps", "", closed, Rule.CLOSED_GAP, closed.strip())
    yield TextDefect("a line of the gaps is damaged", "trace.gaps", "", damaged, Rule.BAD_GAP_LINE, damaged.strip())
