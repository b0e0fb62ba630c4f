"""``lungai evidence``: build a document set, sign it, and check one that somebody else has built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lungai_core.cli import phantoms
from lungai_core.errors import ExitCode, InvalidArgumentError

if TYPE_CHECKING:
    from lungai_core.evidence.bundle import SignedFile
    from lungai_core.evidence.regulations import Authority

__all__ = ["register"]

_Project = Annotated[
    Path, typer.Option("--project", help="The folder of pyproject.toml.", exists=True, file_okay=False)
]
_Out = Annotated[Path, typer.Option("--out", help="A folder that does not exist yet.")]
_Key = Annotated[
    Path | None, typer.Option("--key", help="Ed25519 private key (PEM) that signs.", exists=True, dir_okay=False)
]
_PublicKey = Annotated[
    Path | None,
    typer.Option("--public-key", help="Ed25519 public key (PEM) that must have signed.", exists=True, dir_okay=False),
]


def register(app: typer.Typer) -> None:
    """Add the verbs of ``lungai evidence``.

    :implements: SRS-EVID-036, SDS-EVID-025

    Parameters
    ----------
    app
        The command they are added to.
    """
    evidence = typer.Typer(no_args_is_help=True, help="Document sets for the FDA, the NMPA and the EU.")
    evidence.command("build")(_build)
    evidence.command("verify")(_verify)
    evidence.command("sign")(_sign)
    evidence.command("keygen")(_keygen)
    evidence.command("measure")(_measure)
    evidence.command("audit")(_audit)
    evidence.command("study")(_study)
    evidence.command("battery")(_battery)
    phantoms.register(evidence)
    app.add_typer(evidence, name="evidence")


def _build(  # noqa: PLR0913  each option of the command is an argument
    *,
    run: Annotated[Path, typer.Option("--run", help="record.json of `pytest --trace-record`.", dir_okay=False)],
    out: _Out,
    profile: Annotated[
        str, typer.Option("--profile", help="Trees, separated by commas: fda, nmpa, eu.")
    ] = "fda,nmpa,eu",
    project: _Project = Path(),
    inputs: Annotated[
        Path | None, typer.Option("--inputs", help="Folder with records of other tools.", exists=True, file_okay=False)
    ] = None,
    manufacturer: Annotated[
        Path | None,
        typer.Option("--manufacturer", help="manufacturer.toml, with its .dsse.json beside it.", exists=True),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option("--trust", help="Public key that must have signed the manufacturer file.", exists=True),
    ] = None,
    key: _Key = None,
    release: Annotated[bool, typer.Option("--release", help="Refuse while a placeholder is open.")] = False,
) -> None:
    """Build a set: documents in both languages, the trees, evidence, manifest, register and gaps."""
    from lungai_core.evidence.bundle import BuildOrder, build
    from lungai_core.evidence.material import Inputs
    from lungai_core.evidence.project import read_project

    made = build(
        read_project(project, record=run),
        out,
        order=BuildOrder(
            profiles=_profiles(profile),
            inputs=Inputs(inputs),
            manufacturer=_signed(manufacturer, trust),
            private_key=key.read_bytes() if key else None,
            release=release,
        ),
    )
    register_of = made.material.register
    typer.echo(f"{out}: {len(made.documents)} documents in 2 languages, {len(made.answers)} headings answered")
    typer.echo(f"{len(register_of.open_rows)} placeholders open, {len(set(made.material.gaps))} gaps")


def _verify(
    folder: Annotated[Path, typer.Argument(help="A set from `lungai evidence build`.")],
    *,
    public_key: _PublicKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Name every changed, missing and added file of a set; exit code 1 if there is any. Works offline."""
    from dataclasses import asdict

    from lungai_core.evidence.manifest import verify

    problems = verify(folder, public_key=public_key.read_bytes() if public_key else None)
    if as_json:
        typer.echo(json.dumps([asdict(problem) for problem in problems], ensure_ascii=False, indent=1))
    else:
        for problem in problems:
            typer.echo(f"{problem.kind}: {problem.path}: {problem.message}")
        authenticity = "signature checked" if public_key else "signature not checked: no --public-key given"
        typer.echo(f"{len(problems)} problems; {authenticity}")
    if problems:
        raise typer.Exit(ExitCode.FINDINGS)


def _sign(
    file: Annotated[
        Path, typer.Argument(help="The file to sign, such as manufacturer.toml.", exists=True, dir_okay=False)
    ],
    *,
    key: Annotated[Path, typer.Option("--key", help="Ed25519 private key (PEM).", exists=True, dir_okay=False)],
) -> None:
    """Sign a file: writes FILE.dsse.json beside it."""
    from lungai_core.evidence.seal import seal, statement
    from lungai_core.files import sha256_file, write_whole

    said = statement({file.name: sha256_file(file)}, predicate_type="urn:lungai-core:signed-file:1", predicate={})
    typer.echo(write_whole(_envelope_of(file), seal(said, private_key=key.read_bytes())))


def _keygen(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder that receives evidence.key and evidence.pub.")],
) -> None:
    """Make an Ed25519 key pair. The private key is readable by its owner only; keep it out of the repository."""
    from lungai_core.evidence.seal import key_pair
    from lungai_core.files import write_whole

    private, public = key_pair()
    path = out / "evidence.key"
    if path.exists():
        raise _usage("There is a key in the folder already.", str(path), "a folder without evidence.key")
    write_whole(path, private).chmod(0o600)
    typer.echo(path)
    typer.echo(write_whole(out / "evidence.pub", public))


def _profiles(text: str, /) -> tuple[Authority, ...]:
    from lungai_core.evidence.regulations import Authority

    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Authority)]
    if unknown or not names:
        raise _usage("A profile is not known.", ", ".join(unknown) or text, ", ".join(Authority))
    return tuple(dict.fromkeys(Authority(name) for name in names))


def _signed(file: Path | None, trust: Path | None, /) -> SignedFile | None:
    from lungai_core.evidence.bundle import SignedFile

    if file is None:
        return None
    if trust is None or not _envelope_of(file).is_file():
        raise _usage(
            "A manufacturer file is read only with its signature and the key that is trusted.",
            str(file),
            f"--trust KEY.pub, and {_envelope_of(file).name} beside the file",
        )
    return SignedFile(file.read_bytes(), _envelope_of(file).read_bytes(), trust.read_bytes(), file.name)


def _envelope_of(file: Path, /) -> Path:
    return file.with_name(f"{file.name}.dsse.json")


def _usage(what: str, where: str, allowed: str, /) -> InvalidArgumentError:
    return InvalidArgumentError(
        what, where=where, allowed=allowed, remedy="Read `lungai evidence --help` and give the option again."
    )


def _battery(
    *, out: Annotated[Path, typer.Option("--out", help="The report to write, such as inputs/battery.json.")]
) -> None:
    """Change a sample project and its finished set in more than 25 ways; exit code 1 if a change is not named."""
    from lungai_core.evidence.battery import battery_json, run_battery
    from lungai_core.files import write_whole

    report = run_battery()
    write_whole(out, battery_json(report, time=_now()))
    for result in report.results:
        typer.echo(f"{'named' if result.detected else 'MISSED'}: {result.name}: {result.named}")
    for alarm in report.false_alarms:
        typer.echo(f"FALSE ALARM: {alarm}")
    typer.echo(f"{report.detected} of {len(report.results)} changes named, {len(report.false_alarms)} false alarms")
    if report.detected < len(report.results) or report.false_alarms:
        raise typer.Exit(ExitCode.FINDINGS)


def _measure(
    *,
    out: Annotated[Path, typer.Option("--out", help="The record to write, such as inputs/static.json.")],
    project: _Project = Path(),
) -> None:
    """Run ruff, mypy, bandit, detect-secrets and the import rules on a project, and record what each found."""
    from lungai_core.evidence.measure import measure_project, measurements_json
    from lungai_core.files import write_whole

    checks = measure_project(project)
    write_whole(out, measurements_json(checks, time=_now()))
    for check in checks:
        typer.echo(f"{check.tool} {check.version}: exit code {check.exit_code}, {check.findings} findings")


def _audit(
    *,
    run: Annotated[Path, typer.Option("--run", help="record.json of `pytest --trace-record`.", dir_okay=False)],
    out: Annotated[Path, typer.Option("--out", help="The record to write, such as inputs/advisories.json.")],
    advisories: Annotated[
        Path | None,
        typer.Option(envvar="LUNGAI_ADVISORIES", help="OSV file (JSON, or zip of JSON) that was fetched before."),
    ] = None,
) -> None:
    """Compare the packages of a run with an advisory file; without one nothing is written. Works offline."""
    from lungai_core.evidence.advisories import audit_json
    from lungai_core.files import write_whole
    from lungai_core.trace.record import read_record

    if advisories is None:
        typer.echo("no advisory file given: vulnerabilities of components stay NOT MEASURED")
        return
    packages = read_record(run).environment.packages
    text = audit_json(advisories.read_bytes(), packages, where=advisories.name, time=_now())
    write_whole(out, text)
    found = json.loads(text)
    for finding in found["findings"]:
        typer.echo(f"{finding['component']} {finding['version']}: {finding['id']}")
    typer.echo(f"{found['components']} components, {found['count']} findings, database of {found['database_date']}")


def _study(
    run: Annotated[
        Path, typer.Argument(help="Folder of a cross-validation, with evaluation.json and predictions.csv.")
    ],
    *,
    card: Annotated[Path, typer.Option("--card", help="TOML: card of the data and titles.", dir_okay=False)],
    out: Annotated[Path, typer.Option("--out", help="The study record to write, such as verification/studies/x.json.")],
) -> None:
    """Turn the figures of a cross-validation into a study on research data, counted again from its predictions."""
    from lungai_core.evidence.crossval import study_of_crossval
    from lungai_core.files import write_whole

    evaluation, predictions = run / "evaluation.json", run / "predictions.csv"
    text = study_of_crossval(
        evaluation.read_bytes(), predictions.read_bytes(), card.read_bytes(), where=str(evaluation)
    )
    write_whole(out, text)
    study = json.loads(text)
    typer.echo(
        f"{out}: {len(study['metrics'])} metrics on {len(study['cases'])} nodules, {len(study['left_out'])} left out"
    )


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")
