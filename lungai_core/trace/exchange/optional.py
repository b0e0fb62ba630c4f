"""Packages that a format needs and the base install lacks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lungai_core.errors import MissingDependencyError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["optional_package"]


def optional_package(name: str, /) -> ModuleType:
    """Import a package of the extra ``evidence``.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    name
        The module to import.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"This format needs the package {name.partition('.')[0]}.", remedy='pip install "lungai-core[evidence]"'
        ) from error
