"""The ``lungai`` command: its verbs, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import sys
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lungai_core.cli.examples import add_examples
from lungai_core.errors import ExitCode, FileAccessError, LungaiError, MissingDependencyError, UnexpectedError
from lungai_core.version import __version__

__all__ = ["app", "main", "register_verbs"]

app = typer.Typer(
    name="lungai",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_TRACEBACK = "--traceback"
_PACKAGE = Path(__file__).parents[1]
# Packages that modules of an area import at their top: without them not even the area's own check can speak.
_EXTRA_OF = {
    "docx": "evidence",
    "highdicom": "dicom",
    "jinja2": "evidence",
    "matplotlib": "clinical",
    "monai": "train",
    "nibabel": "annotation",
    "onnx": "train",
    "onnxruntime": "inference",
    "safetensors": "train",
    "scipy": "clinical",
    "sklearn": "train",
    "torch": "train",
    "yaml": "evidence",
}

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
    # ``main`` looks for it before anything is parsed; here it is explained.
    show_traceback: Annotated[
        bool,
        typer.Option(
            _TRACEBACK, help="Before a verb: show the traceback of a defect. It may hold values of your files."
        ),
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
    add_examples(app)


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
    words = sys.argv[1:] if arguments is None else arguments
    register_verbs()
    try:
        app(args=words, prog_name="lungai")
    except LungaiError as error:
        return _refuse(error)
    except SystemExit as stop:
        # typer leaves by SystemExit; a verb sets another code than 0 with ``raise typer.Exit(ExitCode.…)``.
        return stop.code if isinstance(stop.code, int) else ExitCode.OK
    # The last guard: whatever a library raised, a user is told what to do, and no text that may hold a patient's value.
    except Exception as error:
        if words[:1] == [_TRACEBACK]:
            raise
        return _refuse(_without_values(error))
    return ExitCode.OK


def _refuse(error: LungaiError, /) -> ExitCode:
    Console(stderr=True, highlight=False, soft_wrap=True).print(str(error), markup=False)
    return error.exit_code


def _without_values(error: Exception, /) -> LungaiError:
    """Say what an exception tells apart from values: its text, and the names of files, may hold a patient's."""
    frames = traceback.extract_tb(error.__traceback__)
    file, line = [(Path(f.filename), f.lineno) for f in frames if Path(f.filename).is_relative_to(_PACKAGE)][-1]
    place = f"{file.relative_to(_PACKAGE.parent)}:{line}"
    missing = error.name.partition(".")[0] if isinstance(error, ModuleNotFoundError) and error.name else ""
    if missing in _EXTRA_OF:
        return MissingDependencyError(
            f"This command needs the package {missing}, which is not installed.",
            where=place,
            allowed=f"an installation with the extra {_EXTRA_OF[missing]}",
            remedy=f'Run: pip install "lungai-core[{_EXTRA_OF[missing]}]"',
        )
    if isinstance(error, OSError):
        return FileAccessError(
            f"A file or folder cannot be used ({error.strerror or type(error).__name__}).",
            where=place,
            allowed="existing files that this user may read, and folders in which this user may write",
            remedy=f"Check the paths of the command. `lungai {_TRACEBACK} VERB …` shows which one it is.",
        )
    return UnexpectedError(
        f"lungai-core itself is wrong here ({type(error).__name__}).",
        where=place,
        allowed="every refusal has a code of its own",
        remedy="Use no result of this run. Report the lines above with the output of `lungai doctor --json`; "
        f"`lungai {_TRACEBACK} VERB …` shows more.",
    )


if __name__ == "__main__":
    sys.exit(main())
