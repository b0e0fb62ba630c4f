"""The ``lungai`` command: its verbs, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import Annotated

import typer
from rich.console import Console

from lungai_core.errors import ExitCode, LungaiError
from lungai_core.version import __version__

__all__ = ["app", "main", "register_verbs"]

app = typer.Typer(
    name="lungai",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

# Each module registers its verbs on ``app`` by a function ``register(app)``.
_VERB_MODULES: tuple[str, ...] = (
    "annotation",
    "batch",
    "check",
    "clinical",
    "deid",
    "demo",
    "doctor",
    "evidence",
    "model",
    "run",
    "trace",
    "train",
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  typer calls it with the option's value
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Lung-nodule CT AI as a component, and its evidence. Not a medical device; not for clinical use as it is."""


@cache
def register_verbs() -> None:
    """Add the verbs of every area to the command, once.

    :implements: SRS-CLI-001, SDS-CLI-001
    """
    for module in _VERB_MODULES:
        import_module(f"lungai_core.cli.{module}").register(app)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    :implements: SRS-CLI-001, SDS-CLI-001

    Parameters
    ----------
    arguments
        The words after ``lungai``; those of the process if absent.

    Returns
    -------
    int
        The exit code, one of :class:`lungai_core.errors.ExitCode`.
    """
    register_verbs()
    try:
        app(args=arguments, prog_name="lungai")
    except LungaiError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(str(error), markup=False)
        return error.exit_code
    except SystemExit as stop:
        # typer leaves by SystemExit; a verb sets another code than 0 with ``raise typer.Exit(ExitCode.…)``.
        return stop.code if isinstance(stop.code, int) else ExitCode.OK
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
