"""The verb ``lungai demo``: the whole way on a generated phantom, without data and without network."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from lungai_core.domain.case_report import CaseReport
    from lungai_core.testing.phantom import PhantomSpec

__all__ = ["register", "run_demo"]

_DEFAULT_FOLDER = "lungai-demo"
# A phantom has no identity to protect; a fixed key makes two demonstrations equal.
_DEMO_KEY = b"lungai demo: a phantom has no secret"


def register(app: typer.Typer) -> None:
    """Add the verb ``demo``.

    :implements: SRS-CLI-010, SDS-CLI-010

    Parameters
    ----------
    app
        The application.
    """
    app.command("demo")(_demo)


def run_demo(spec: PhantomSpec, folder: Path, /, *, on_step: Callable[[str], None] = lambda _: None) -> CaseReport:
    """Generate a phantom, de-identify it, analyse its nodules and write the report.

    :implements: SRS-CLI-010, SDS-CLI-010

    Parameters
    ----------
    spec
        The phantom.
    folder
        The folder to make; it must not exist or be empty. It holds ``phantom`` (the series as a scanner would store
        it, ``candidates.json``, ``truth.json``), ``deidentified`` with its audit, ``candidates.json`` of the
        de-identified series, and ``report`` (``result.json``, ``report.html`` and what else a run writes).
    on_step
        Called with the name of each step as it begins.

    Returns
    -------
    CaseReport
        The result. The phantom is labelled as one.

    Raises
    ------
    LungaiError
        If a package is missing or the folder cannot be written; then nothing is left behind.
    """
    from lungai_core.cli.walk import CaseFiles, walk_case
    from lungai_core.deid import Secret, deidentify_series
    from lungai_core.domain.case_report import InputKind
    from lungai_core.files import new_folder, write_whole
    from lungai_core.inference.providers import ProviderPolicy
    from lungai_core.modelpack.pack import bundled_pack, open_pack
    from lungai_core.testing.phantom import make_phantom
    from lungai_core.testing.series import write_candidates, write_phantom_series

    with new_folder(folder) as work:
        on_step("generate phantom")
        phantom = make_phantom(spec)
        scanned = write_phantom_series(phantom, work / "phantom" / "ct")
        write_candidates(phantom, work / "phantom" / "candidates.json")
        write_whole(work / "phantom" / "truth.json", spec.model_dump_json(indent=2) + "\n")
        on_step("de-identify")
        released = deidentify_series(scanned, work / "deidentified", secret=Secret(_DEMO_KEY))
        series_uid = released.map_uid(phantom.volume.series.series_instance_uid)
        candidates = phantom.candidates.model_copy(update={"series_instance_uid": series_uid})
        candidates_file = write_whole(work / "candidates.json", candidates.model_dump_json(indent=2) + "\n")
        return walk_case(
            CaseFiles(
                ct_dir=work / "deidentified",
                candidates_file=candidates_file,
                out_dir=work / "report",
                kind=InputKind.PHANTOM,
            ),
            pack=open_pack(bundled_pack()),
            policy=ProviderPolicy(),
            on_step=on_step,
        )


def _demo(
    *,
    out: Annotated[Path | None, typer.Option(help="Folder to make; default: lungai-demo, lungai-demo-2, …")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the phantom: the same seed gives the same series.")] = 0,
) -> None:
    """Show the whole way on a generated phantom: no data, no network, not a patient."""
    from lungai_core.cli.run import print_report, step_progress
    from lungai_core.testing.phantom import PhantomSpec

    started = perf_counter()
    spec = PhantomSpec(seed=seed)
    folder = out or _free_folder(Path(_DEFAULT_FOLDER))
    with step_progress() as on_step:
        report = run_demo(spec, folder, on_step=on_step)
    print_report(report, out_dir=folder / "report")
    truth = ", ".join(f"{nodule.nodule_id} ({nodule.kind.value})" for nodule in spec.nodules)
    typer.echo(f"phantom   seed {seed}, not a patient; true nodules: {truth}", err=True)
    typer.echo(f"elapsed   {perf_counter() - started:.1f} s", err=True)
    typer.echo(folder / "report" / "report.html")


def _free_folder(wanted: Path) -> Path:
    """Return ``wanted``, or the first of ``wanted-2``, ``wanted-3``, … that does not exist."""
    folder, number = wanted, 1
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder
