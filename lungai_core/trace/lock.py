"""The lock: which links a person has reviewed, with the fingerprints of what stood at both ends on that day.

One sorted line a link, so that a review is one readable diff:

    SRS-PREP-001 -> SYS-004 sha256:1f0c… sha256:9b1d… 2026-11-22 A. Reviewer
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING

from lungai_core.files import write_whole
from lungai_core.trace.findings import Finding, Place, Rule
from lungai_core.trace.lines import record_lines
from lungai_core.trace.surroundings import git_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lungai_core.trace.graph import TraceGraph

__all__ = [
    "LinkState",
    "Lock",
    "LockedLink",
    "check_lock",
    "links_of",
    "read_lock",
    "review",
    "suspect_items",
    "what_changed",
]

_LINE = re.compile(r"(\S.*?) -> (\S+) sha256:([0-9a-f]{16}) sha256:([0-9a-f]{16}) (\d{4}-\d{2}-\d{2}) (\S.*)")
_HEADER = (
    "# Reviewed links: child -> parent, fingerprints of both ends, day, reviewer. Written by `lungai trace review`.\n"
)
_DIGITS = 16
CHINESE = "zh"


@dataclass(frozen=True, slots=True, order=True)
class LinkState:
    """A link as the files give it now.

    :implements: SRS-TRACE-011, SDS-TRACE-011

    Parameters
    ----------
    child, parent
        What links and what it links to. A translation is the link of an item to its own text: parent ``zh``.
    child_sha256, parent_sha256
        First 16 hexadecimal digits of the fingerprints of both ends.
    place
        Where the child stands.
    """

    child: str
    parent: str
    child_sha256: str
    parent_sha256: str
    place: Place

    @property
    def name(self) -> str:
        """The link as it is written in the lock."""
        return f"{self.child} -> {self.parent}"


@dataclass(frozen=True, slots=True)
class LockedLink:
    """A link as somebody reviewed it.

    :implements: SRS-TRACE-011, SDS-TRACE-011

    Parameters
    ----------
    child_sha256, parent_sha256
        The fingerprints of that day.
    reviewed_on, reviewer
        ISO date, and a name.
    line
        In the lock.
    """

    child_sha256: str
    parent_sha256: str
    reviewed_on: str
    reviewer: str
    line: int


@dataclass(frozen=True, slots=True)
class Lock:
    """The file of reviewed links.

    :implements: SRS-TRACE-011, SDS-TRACE-011

    Parameters
    ----------
    links
        By ``child -> parent``.
    problems
        Lines that cannot be read.
    exists
        A project without the file has not begun to review, and is not held to it.
    """

    links: Mapping[str, LockedLink]
    problems: tuple[Finding, ...] = ()
    exists: bool = True


def read_lock(path: Path, /, *, name: str) -> Lock:
    """Read the lock of a project.

    :implements: SRS-TRACE-011, SDS-TRACE-011

    Parameters
    ----------
    path
        The file; it may be absent.
    name
        Its name in findings.
    """
    if not path.exists():
        return Lock({}, exists=False)
    links: dict[str, LockedLink] = {}
    problems: list[Finding] = []
    for number, line in record_lines(path):
        match = _LINE.fullmatch(line)
        if match is None or f"{match[1]} -> {match[2]}" in links:
            what = "is written twice" if match else "is no reviewed link"
            problems.append(Finding(Rule.BAD_LOCK, Place(name, number), line[:80], f"Line {number} of {name} {what}."))
            continue
        links[f"{match[1]} -> {match[2]}"] = LockedLink(match[3], match[4], match[5], match[6], number)
    return Lock(links, tuple(problems))


def links_of(graph: TraceGraph, /) -> Iterator[LinkState]:
    """Give every link that can be reviewed: item to item, code to item, test to item, English to Chinese.

    :implements: SRS-TRACE-011, SDS-TRACE-011

    Parameters
    ----------
    graph
        Links to items that do not exist are left out; the static checks find them.
    """
    prints = {item.item_id: item.fingerprint[:_DIGITS] for item in graph.items.items}
    for item in graph.items.items:
        own = prints[item.item_id]
        yield from _up(item.item_id, item.parents, own, item.place, prints)
        if item.text_zh:
            yield LinkState(item.item_id, CHINESE, own, item.fingerprint_zh[:_DIGITS], item.place)
    for each in graph.code.objects:
        yield from _up(each.name, each.implements, each.fingerprint[:_DIGITS], each.place, prints)
    for test in graph.tests.tests:
        yield from _up(test.test_id, test.verifies, test.fingerprint[:_DIGITS], test.place, prints)


def _up(
    child: str, parents: tuple[str, ...], own: str, place: Place, prints: Mapping[str, str], /
) -> Iterator[LinkState]:
    for parent in dict.fromkeys(parents):
        if parent in prints:
            yield LinkState(child, parent, own, prints[parent], place)


def check_lock(graph: TraceGraph, lock: Lock, /) -> tuple[Finding, ...]:
    """Compare the links of a project with its lock.

    :implements: SRS-TRACE-011, SDS-TRACE-011

    Parameters
    ----------
    graph, lock
        The project as it stands; what was reviewed. Without a lock file there is nothing to compare.

    Returns
    -------
    tuple of Finding
        Suspect, unreviewed and vanished links, and stale translations.
    """
    if not lock.exists:
        return ()
    findings = list(lock.problems)
    seen: set[str] = set()
    for link in links_of(graph):
        seen.add(link.name)
        locked = lock.links.get(link.name)
        if locked is None:
            findings.append(Finding(Rule.UNREVIEWED_LINK, link.place, link.name, f"{link.name} was never reviewed."))
        elif (locked.child_sha256, locked.parent_sha256) != (link.child_sha256, link.parent_sha256):
            findings.append(_changed(link, locked))
    for name, locked in lock.links.items():
        if name not in seen:
            place = Place(graph.config.lock, locked.line)
            findings.append(Finding(Rule.VANISHED_LINK, place, name, f"{name} was reviewed and is gone."))
    return tuple(findings)


def suspect_items(graph: TraceGraph, lock: Lock, /) -> Mapping[str, str]:
    """Return the items that rest on a link that was changed and not reviewed, each with one such link.

    :implements: SRS-TRACE-007, SDS-TRACE-011

    Parameters
    ----------
    graph, lock
        As for :func:`check_lock`. A stale translation makes no item suspect; an unreviewed link does.
    """
    found: dict[str, str] = {}
    for finding in check_lock(graph, lock):
        if finding.rule in {Rule.SUSPECT_LINK, Rule.UNREVIEWED_LINK, Rule.VANISHED_LINK}:
            child, _, parent = finding.subject.partition(" -> ")
            for end in (child, parent):
                if end in graph.items.by_id:
                    found.setdefault(end, finding.subject)
    return found


def review(graph: TraceGraph, lock: Lock, /, *, reviewer: str, day: str, only: frozenset[str] | None = None) -> int:
    """Accept links as they stand, and write the lock.

    :implements: SRS-TRACE-011, SDS-TRACE-011

    Parameters
    ----------
    graph, lock
        The project as it stands, and its lock.
    reviewer, day
        Who accepts, and the ISO date of the review.
    only
        Accept only links with one of these IDs, names or node IDs at either end; all if absent.

    Returns
    -------
    int
        How many lines were added, changed or removed.
    """
    accepted: dict[str, LockedLink] = {}
    changed = 0
    for link in links_of(graph):
        old = lock.links.get(link.name)
        new = LockedLink(link.child_sha256, link.parent_sha256, day, reviewer, 0)
        same = old is not None and (old.child_sha256, old.parent_sha256) == (new.child_sha256, new.parent_sha256)
        wanted = only is None or link.child in only or link.parent in only
        if not same and wanted:
            accepted[link.name] = new
            changed += 1
        elif old is not None:
            accepted[link.name] = old
    for name in lock.links.keys() - accepted.keys():
        ends = set(name.split(" -> "))
        if only is not None and not ends & only:
            accepted[name] = lock.links[name]
        else:
            changed += 1
    lines = sorted(_line(name, locked) for name, locked in accepted.items())
    write_whole(graph.config.root / graph.config.lock, _HEADER + "".join(lines))
    return changed


def what_changed(graph: TraceGraph, finding: Finding, lock: Lock, /) -> str:
    """Return the difference of the documents since a suspect link was reviewed, as far as git knows it.

    :implements: SRS-TRACE-011, SDS-TRACE-011

    Parameters
    ----------
    graph, finding, lock
        A finding of :func:`check_lock`, and what it was made from.

    Returns
    -------
    str
        A unified diff of each end that is an item, from the last commit of the day of the review to now; empty where
        git has no earlier text.
    """
    locked = lock.links.get(finding.subject)
    if locked is None:
        return ""
    parts: list[str] = []
    for end in finding.subject.split(" -> "):
        item = graph.items.by_id.get(end)
        if item is None:
            continue
        commit = git_lines(
            graph.config.root,
            "log",
            "-1",
            "--format=%H",
            f"--until={locked.reviewed_on}T23:59:59",
            "--",
            item.place.path,
        )
        before = git_lines(graph.config.root, "show", f"{commit[0]}:./{item.place.path}") if commit else None
        now = (graph.config.root / item.place.path).read_text(encoding="utf-8").splitlines()
        section = _section(list(before or ()), end)
        parts += unified_diff(section, now[item.place.line - 1 : item.end_line], end, end, lineterm="", n=1)
    return "\n".join(parts)


def _section(lines: list[str], item_id: str, /) -> list[str]:
    start = next((number for number, line in enumerate(lines) if line.startswith(f"## {item_id} ")), None)
    if start is None:
        return []
    end = next((number for number in range(start + 1, len(lines)) if lines[number].startswith("## ")), len(lines))
    while end > start and not lines[end - 1].strip():
        end -= 1
    return lines[start:end]


def _changed(link: LinkState, locked: LockedLink, /) -> Finding:
    ends = []
    if locked.child_sha256 != link.child_sha256:
        ends.append(link.child)
    if locked.parent_sha256 != link.parent_sha256:
        ends.append(link.parent)
    if link.parent == CHINESE:
        what = "The English" if ends == [link.child] else "The Chinese" if ends == [CHINESE] else "Each text"
        message = f"{what} of {link.child} has changed since the translation was reviewed on {locked.reviewed_on}."
        return Finding(Rule.STALE_TRANSLATION, link.place, link.name, message)
    message = f"{' and '.join(ends)} changed since {link.name} was reviewed on {locked.reviewed_on}."
    return Finding(Rule.SUSPECT_LINK, link.place, link.name, message)


def _line(name: str, locked: LockedLink, /) -> str:
    prints = f"sha256:{locked.child_sha256} sha256:{locked.parent_sha256}"
    return f"{name} {prints} {locked.reviewed_on} {locked.reviewer}\n"
