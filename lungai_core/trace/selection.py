"""``pytest --trace-impact COMMIT``: only the tests that a change touches are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lungai_core.errors import LungaiError
from lungai_core.trace.impact import impact_between
from lungai_core.trace.record import Outcome, TestResult

if TYPE_CHECKING:
    from lungai_core.trace.impact import Impact

__all__ = ["register_selection"]


def register_selection(config: pytest.Config, /) -> None:
    """Deselect the tests that the change since ``--trace-impact`` does not touch.

    :implements: SRS-TRACE-015, SDS-TRACE-017

    Parameters
    ----------
    config
        pytest's configuration; its root is that of the project.
    """
    try:
        impact = impact_between(config.rootpath, config.getoption("trace_impact"))
    except LungaiError as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(_Selection(impact), "lungai_trace_selection")


class _Selection:
    def __init__(self, impact: Impact, /) -> None:
        self.wanted = frozenset(impact.tests)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        kept: list[pytest.Item] = []
        left: list[pytest.Item] = []
        for item in items:
            test_id = TestResult(item.nodeid, (), Outcome.NOT_RUN).test_id
            (kept if test_id in self.wanted else left).append(item)
        if left:
            config.hook.pytest_deselected(items=left)
            items[:] = kept
