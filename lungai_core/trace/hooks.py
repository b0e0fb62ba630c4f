"""Hooks of a host project: items from another source, waived findings, further reports.

``hooks = ["package.module"]`` in ``[tool.lungai_trace]`` names modules of the host; each may define any of the three
functions that :class:`Hooks` describes. They are the only code of the host that the trace ever imports.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from lungai_core.errors import TraceConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lungai_core.trace.config import TraceConfig
    from lungai_core.trace.findings import Finding
    from lungai_core.trace.items import Item
    from lungai_core.trace.matrix import Matrix

__all__ = ["AddItems", "Hooks", "Report", "Waive", "Waiver", "load_hooks", "waived"]


@runtime_checkable
class AddItems(Protocol):
    """``add_items(config)`` gives items that stand somewhere else, such as in Jama or Polarion.

    :implements: SRS-TRACE-019, SDS-TRACE-021
    """

    def __call__(self, config: TraceConfig, /) -> Iterable[Item]:
        """Return the items."""


@runtime_checkable
class Waive(Protocol):
    """``waive(finding)`` gives the reason why a finding does not count, or an empty text.

    :implements: SRS-TRACE-019, SDS-TRACE-021
    """

    def __call__(self, finding: Finding, /) -> str:
        """Return the reason, or an empty text."""


@runtime_checkable
class Report(Protocol):
    """``report(matrix, folder)`` writes a further report beside the matrix.

    :implements: SRS-TRACE-019, SDS-TRACE-021
    """

    def __call__(self, matrix: Matrix, folder: Path, /) -> None:
        """Write the report."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that the host does not count, with its reason; the matrix lists it.

    :implements: SRS-TRACE-019, SDS-TRACE-021

    Parameters
    ----------
    finding, reason
        What, and why.
    """

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Hooks:
    """The hooks of a host project, in the order of its modules.

    :implements: SRS-TRACE-019, SDS-TRACE-021

    Parameters
    ----------
    add_items, waive, report
        The functions of these names.
    """

    add_items: tuple[AddItems, ...] = ()
    waive: tuple[Waive, ...] = ()
    report: tuple[Report, ...] = ()


def load_hooks(config: TraceConfig, /) -> Hooks:
    """Import the modules that a project names as hooks.

    :implements: SRS-TRACE-019, SDS-TRACE-021

    Parameters
    ----------
    config
        Its ``hooks`` are imported with the project's root on the path.

    Raises
    ------
    TraceConfigError
        If a module does not exist or defines none of the functions.
    """
    found: dict[str, list[object]] = {"add_items": [], "waive": [], "report": []}
    with _on_path(config.root):
        for name in config.hooks:
            try:
                module = import_module(name)
            except ModuleNotFoundError as error:
                raise _refusal(config, f"The hook module {name} does not exist.") from error
            functions = {key: getattr(module, key) for key in found if callable(getattr(module, key, None))}
            if not functions:
                raise _refusal(config, f"The hook module {name} defines none of {', '.join(found)}.")
            for key, function in functions.items():
                found[key].append(function)
    return Hooks(
        add_items=tuple(each for each in found["add_items"] if isinstance(each, AddItems)),
        waive=tuple(each for each in found["waive"] if isinstance(each, Waive)),
        report=tuple(each for each in found["report"] if isinstance(each, Report)),
    )


def waived(findings: Iterable[Finding], hooks: Hooks, /) -> tuple[Waiver, ...]:
    """Return the findings that a hook waives, each with the first reason given.

    :implements: SRS-TRACE-019, SDS-TRACE-021

    Parameters
    ----------
    findings, hooks
        What was found, and who is asked.
    """
    reasons = ((finding, next(filter(None, (waive(finding) for waive in hooks.waive)), "")) for finding in findings)
    return tuple(Waiver(finding, reason) for finding, reason in reasons if reason)


@contextmanager
def _on_path(root: Path, /) -> Iterator[None]:
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))


def _refusal(config: TraceConfig, what: str, /) -> TraceConfigError:
    return TraceConfigError(
        what,
        where=f"{config.root / 'pyproject.toml'}: [tool.lungai_trace] hooks",
        allowed="modules with functions add_items, waive or report",
        remedy="Correct the name, or take the module off the list.",
    )
