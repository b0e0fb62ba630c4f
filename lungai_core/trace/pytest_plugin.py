"""pytest's door to the trace: options and the marker. All work is in :mod:`lungai_core.trace.recorder`.

:implements: SRS-TRACE-010, SDS-TRACE-010

pytest imports this module as an entry point, before coverage measurement starts, so it imports nothing but pytest.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

__all__: list[str] = []


_LOADED_WITH_THIS = frozenset(
    {"lungai_core", "lungai_core.version", "lungai_core.trace", "lungai_core.trace.pytest_plugin"}
)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    # Loading this entry point ran the lines of a few modules before coverage could see them. Forgotten here, they run
    # again when somebody imports them, and the coverage of lungai_core is the same with and without the plugin. Where
    # more has been imported meanwhile, somebody holds on to these modules, and they stay.
    loaded = {name for name in sys.modules if name.partition(".")[0] == "lungai_core"}
    if loaded <= _LOADED_WITH_THIS:
        for name in loaded:
            del sys.modules[name]
    return (yield)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lungai_trace", "requirements trace (lungai-core)")
    group.addoption(
        "--trace-record",
        action="store_true",
        help="Write the run record and the trace matrix into the output folder of [tool.lungai_trace].",
    )
    group.addoption(
        "--trace-tester",
        metavar="NAME",
        default="",
        help="Who is responsible for this run; recorded, never guessed.",
    )
    group.addoption(
        "--trace-impact",
        metavar="COMMIT",
        default="",
        help="Run only the tests that the change since this commit touches.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "verifies(*item_ids): the requirements or risk controls that this test is evidence for"
    )
    if config.getoption("trace_record"):
        from lungai_core.trace.recorder import register  # noqa: PLC0415 - see the module's docstring

        register(config)
    if config.getoption("trace_impact"):
        from lungai_core.trace.selection import register_selection  # noqa: PLC0415  # every pytest run loads this module

        register_selection(config)
