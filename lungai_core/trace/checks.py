"""The static checks: what can be said about a trace before any test has run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lungai_core.trace.findings import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lungai_core.trace.config import KindRule
    from lungai_core.trace.graph import TraceGraph
    from lungai_core.trace.items import Item

__all__ = ["check"]

_METHODS = frozenset({"test", "analysis", "inspection", "demonstration"})
_SHALL = re.compile(r"\bshall\b", re.IGNORECASE)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def check(graph: TraceGraph, /) -> tuple[Finding, ...]:
    """Hold a project's items, code and tests to the configured rules.

    :implements: SRS-TRACE-004, SDS-TRACE-004

    Parameters
    ----------
    graph
        From :func:`load_graph` or :func:`build_graph`.

    Returns
    -------
    tuple of Finding
        Sorted by file, line and code; empty if every rule holds.
    """
    findings = [
        *graph.items.problems,
        *graph.code.problems,
        *graph.tests.problems,
        *_links(graph),
        *_cycles(graph),
        *_required_links(graph),
        *_code(graph),
        *_tests(graph),
        *_texts(graph),
    ]
    return tuple(sorted(findings, key=lambda each: (each.place, each.rule.code, each.subject)))


def _links(graph: TraceGraph, /) -> Iterator[Finding]:
    for item in graph.items.items:
        allowed = _rule(graph, item).parents
        for position, parent_id in enumerate(item.parents):
            parent = graph.items.by_id.get(parent_id)
            link = f"{item.item_id} -> {parent_id}"
            if parent_id in item.parents[:position]:
                yield Finding(Rule.REPEATED_LINK, item.place, link, f"{item.item_id} names {parent_id} twice.")
            elif parent is None:
                message = f"{item.item_id} links up to {parent_id}, which does not exist."
                yield Finding(Rule.DANGLING_PARENT, item.place, link, message)
            elif parent.kind not in allowed:
                titles = " or ".join(graph.config.kind(name).title for name in allowed) or "nothing"
                message = f"{item.item_id} links up to {parent_id}; its kind may link up to: {titles}."
                yield Finding(Rule.WRONG_LEVEL, item.place, link, message)
            elif item.in_force and not parent.in_force:
                message = f"{item.item_id} links up to {parent_id}, which is obsolete."
                yield Finding(Rule.OBSOLETE_PARENT, item.place, link, message)


def _cycles(graph: TraceGraph, /) -> Iterator[Finding]:
    state: dict[str, int] = {}  # 1 while on the path, 2 when done
    for item in graph.items.items:
        if item.item_id in state:
            continue
        path = [item.item_id]
        pending = [iter(item.parents)]
        state[item.item_id] = 1
        while pending:
            parent = next(pending[-1], None)
            if parent is None:
                state[path.pop()] = 2
                pending.pop()
            elif parent in graph.items.by_id and state.get(parent, 0) != 2:  # noqa: PLR2004 - the state named above
                if state.get(parent) == 1:
                    circle = [*path[path.index(parent) :], parent]
                    place = graph.items.by_id[path[-1]].place
                    message = f"The links {' -> '.join(circle)} form a circle."
                    yield Finding(Rule.CYCLE, place, f"{path[-1]} -> {parent}", message)
                else:
                    state[parent] = 1
                    path.append(parent)
                    pending.append(iter(graph.items.by_id[parent].parents))


def _required_links(graph: TraceGraph, /) -> Iterator[Finding]:
    for item in graph.items.items:
        if not item.in_force:
            continue
        rule = _rule(graph, item)
        if rule.parents and not item.parents:
            titles = " or ".join(graph.config.kind(name).title for name in rule.parents)
            yield Finding(Rule.NO_PARENT, item.place, item.item_id, f"{item.item_id} links up to no {titles}.")
        kinds = {child.kind for child in graph.children(item.item_id) if child.in_force}
        for name in rule.children:
            if name not in kinds:
                title = graph.config.kind(name).title
                message = f"No {title} links up to {item.item_id}."
                yield Finding(Rule.NO_CHILD, item.place, f"{item.item_id} {name}", message)
        yield from _implementation(graph, item, rule)
        yield from _evidence(graph, item, rule)


def _implementation(graph: TraceGraph, item: Item, rule: KindRule, /) -> Iterator[Finding]:
    for path in item.implemented_by:
        if not (graph.config.root / path).exists():
            message = f"{item.item_id} is said to be implemented by {path}, which does not exist."
            yield Finding(Rule.NO_SUCH_FILE, item.place, f"{item.item_id} -> {path}", message)
    if rule.implemented and not graph.code_of(item.item_id) and not item.implemented_by:
        message = f"No code says that it implements {item.item_id}."
        yield Finding(Rule.NOT_IMPLEMENTED, item.place, item.item_id, message)


def _evidence(graph: TraceGraph, item: Item, rule: KindRule, /) -> Iterator[Finding]:
    if item.method and item.method not in _METHODS:
        message = f"{item.item_id} is verified by {item.method!r}, which is no known method."
        yield Finding(Rule.UNKNOWN_METHOD, item.place, item.item_id, message)
    if rule.verified and item.method in {"", "test"} and not graph.tests_of(item.item_id):
        yield Finding(Rule.NO_TEST, item.place, item.item_id, f"No test verifies {item.item_id}.")


def _code(graph: TraceGraph, /) -> Iterator[Finding]:
    for each in graph.code.objects:
        if each.needs_id and not each.implements:
            message = f"{each.name} is public and implements no item."
            yield Finding(Rule.CODE_WITHOUT_ID, each.place, each.name, message)
        for item_id in each.implements:
            item = graph.items.by_id.get(item_id)
            link = f"{each.name} -> {item_id}"
            if item is None:
                message = f"{each.name} implements {item_id}, which does not exist."
                yield Finding(Rule.UNKNOWN_ID_IN_CODE, each.place, link, message)
            elif not _rule(graph, item).implemented:
                message = f"{each.name} implements {item_id}, which is of a kind that code does not implement."
                yield Finding(Rule.CODE_WRONG_LEVEL, each.place, link, message)


def _tests(graph: TraceGraph, /) -> Iterator[Finding]:
    for test in graph.tests.tests:
        if not test.verifies:
            message = f"{test.test_id} verifies no item."
            yield Finding(Rule.TEST_WITHOUT_ID, test.place, test.test_id, message)
        for item_id in test.verifies:
            item = graph.items.by_id.get(item_id)
            link = f"{test.test_id} -> {item_id}"
            if item is None:
                message = f"{test.test_id} verifies {item_id}, which does not exist."
                yield Finding(Rule.UNKNOWN_ID_IN_TEST, test.place, link, message)
            elif not _rule(graph, item).verified:
                message = f"{test.test_id} verifies {item_id}, which is of a kind that tests do not verify."
                yield Finding(Rule.TEST_WRONG_LEVEL, test.place, link, message)


def _texts(graph: TraceGraph, /) -> Iterator[Finding]:
    words = graph.config.vague_words
    vague = [(word, re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])", re.IGNORECASE)) for word in words]
    for item in graph.items.items:
        if not item.text:
            yield Finding(Rule.NO_TEXT, item.place, item.item_id, f"{item.item_id} has no text.")
            continue
        yield from _chinese(graph, item)
        if _rule(graph, item).shall:
            yield from _wording(item, vague)


def _chinese(graph: TraceGraph, item: Item, /) -> Iterator[Finding]:
    if graph.config.chinese and not item.text_zh:
        yield Finding(Rule.UNTRANSLATED, item.place, item.item_id, f"{item.item_id} has no Chinese text.")
    elif item.text_zh and not _CHINESE.search(item.text_zh):
        message = f"The Chinese text of {item.item_id} holds no Chinese character."
        yield Finding(Rule.NO_CHINESE, item.place, item.item_id, message)


def _wording(item: Item, vague: list[tuple[str, re.Pattern[str]]], /) -> Iterator[Finding]:
    count = len(_SHALL.findall(item.text))
    if count != 1:
        yield Finding(Rule.SHALL_COUNT, item.place, item.item_id, f'{item.item_id} says "shall" {count} times.')
    for word, pattern in vague:
        if pattern.search(item.text):
            yield Finding(Rule.VAGUE_WORD, item.place, f"{item.item_id} {word}", f'{item.item_id} says "{word}".')


def _rule(graph: TraceGraph, item: Item, /) -> KindRule:
    return graph.config.kind(item.kind)
