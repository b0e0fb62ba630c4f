"""Items, code and tests joined by their links, readable in both directions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lungai_core.trace.code import scan_code
from lungai_core.trace.hooks import load_hooks
from lungai_core.trace.inventory import scan_tests
from lungai_core.trace.items import join_items, load_items

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lungai_core.trace.code import CodeItems, CodeObject
    from lungai_core.trace.config import TraceConfig
    from lungai_core.trace.inventory import TestFunction, TestInventory
    from lungai_core.trace.items import Item, ItemSet

__all__ = ["TraceGraph", "build_graph", "load_graph"]


@dataclass(frozen=True, slots=True, eq=False)
class TraceGraph:
    """The static trace of a project. Links are written upward; the graph gives the other direction.

    :implements: SRS-TRACE-003, SDS-TRACE-005

    Parameters
    ----------
    config, items, code, tests
        What was joined.
    """

    config: TraceConfig
    items: ItemSet
    code: CodeItems
    tests: TestInventory
    _children: Mapping[str, tuple[Item, ...]] = field(init=False, repr=False)
    _code_of: Mapping[str, tuple[CodeObject, ...]] = field(init=False, repr=False)
    _tests_of: Mapping[str, tuple[TestFunction, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        children: dict[str, list[Item]] = defaultdict(list)
        for item in self.items.items:
            for parent in dict.fromkeys(item.parents):
                children[parent].append(item)
        code_of: dict[str, list[CodeObject]] = defaultdict(list)
        for each in self.code.objects:
            for item_id in dict.fromkeys(each.implements):
                code_of[item_id].append(each)
        tests_of: dict[str, list[TestFunction]] = defaultdict(list)
        for test in self.tests.tests:
            for item_id in test.verifies:
                tests_of[item_id].append(test)
        object.__setattr__(self, "_children", {key: tuple(value) for key, value in children.items()})
        object.__setattr__(self, "_code_of", {key: tuple(value) for key, value in code_of.items()})
        object.__setattr__(self, "_tests_of", {key: tuple(value) for key, value in tests_of.items()})

    def children(self, item_id: str, /) -> tuple[Item, ...]:
        """Return the items that name this one in ``parents``.

        :implements: SRS-TRACE-003, SDS-TRACE-005
        """
        return self._children.get(item_id, ())

    def code_of(self, item_id: str, /) -> tuple[CodeObject, ...]:
        """Return the code whose docstring names this item.

        :implements: SRS-TRACE-003, SDS-TRACE-005
        """
        return self._code_of.get(item_id, ())

    def tests_of(self, item_id: str, /) -> tuple[TestFunction, ...]:
        """Return the tests whose marker names this item.

        :implements: SRS-TRACE-003, SDS-TRACE-005
        """
        return self._tests_of.get(item_id, ())


def build_graph(config: TraceConfig, /, *, items: ItemSet, code: CodeItems, tests: TestInventory) -> TraceGraph:
    """Join what was read into one graph.

    :implements: SRS-TRACE-003, SDS-TRACE-005

    Parameters
    ----------
    config
        The rules that the links are held to.
    items, code, tests
        From :func:`load_items`, :func:`scan_code` and :func:`scan_tests`, or made by a host from another source.
    """
    return TraceGraph(config, items, code, tests)


def load_graph(config: TraceConfig, /) -> TraceGraph:
    """Read a project's items, code and tests, and join them.

    :implements: SRS-TRACE-003, SDS-TRACE-005

    Parameters
    ----------
    config
        From :func:`read_config`.
    """
    items = load_items(config)
    added = tuple(item for add_items in load_hooks(config).add_items for item in add_items(config))
    if added:
        items = join_items(items, added)
    return build_graph(config, items=items, code=scan_code(config), tests=scan_tests(config))
