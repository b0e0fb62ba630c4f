"""One example for each verb, shown at the end of its help; a test parses each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

__all__ = ["EXAMPLES", "add_examples"]

EXAMPLES = {
    "annotation check": "lungai annotation check annotations.json --masks masks",
    "annotation import-lidc": "lungai annotation import-lidc 069.xml --ct ct --patient P0001 --out annotations.json",
    "annotation list-lidc": "lungai annotation list-lidc xml",
    "annotation quality": "lungai annotation quality reading.json --seed 1 --out quality",
    "annotation schema": "lungai annotation schema > annotations.schema.json",
    "batch": "lungai batch cases.json --out results --jobs 4",
    "check": "lungai check ct --json",
    "clinical check-claim": "lungai clinical check-claim 92.4 84.7 7.7 4.2 11.3 --n 1100",
    "clinical froc": "lungai clinical froc marks.csv --nodules nodules.csv --scans scans.txt --seed 1",
    "clinical lock-plan": "lungai clinical lock-plan plan.json --by A.Statistician --out locked.json",
    "clinical pccp-check": "lungai clinical pccp-check scores.csv --criteria signed.json --key-file k --earlier-uses 0",
    "clinical pccp-sign": "lungai clinical pccp-sign criteria.json --key-file key --key-id 2026 --out signed.json",
    "clinical report": "lungai clinical report reads.csv --plan locked.json --out study",
    "clinical sample-size": "lungai clinical sample-size question.json",
    "deidentify": "lungai deidentify incoming released --profile research-longitudinal --secret-file secret.txt",
    "demo": "lungai demo --out first-look --seed 7",
    "doctor": "lungai doctor --json",
    "evidence audit": "lungai evidence audit --run build/trace/record.json --out build/evidence/advisories.json",
    "evidence battery": "lungai evidence battery --out build/evidence/battery.json",
    "evidence build": "lungai evidence build --run build/trace/record.json --out build/set --key keys/evidence.key",
    "evidence keygen": "lungai evidence keygen --out keys",
    "evidence measure": "lungai evidence measure --out build/evidence/static.json",
    "evidence phantoms": "lungai evidence phantoms --cases 200 --out build/evidence",
    "evidence sign": "lungai evidence sign manufacturer.toml --key keys/evidence.key",
    "evidence study": "lungai evidence study build/cv --card card.toml --out verification/studies/cv.json",
    "evidence verify": "lungai evidence verify build/set --public-key keys/evidence.pub",
    "model card": "lungai model card our-pack.zip",
    "model export": "lungai model export our-pack.zip --run build/cv --fold 0",
    "model compare": "lungai model compare build/cv/predictions.csv build/other-cv/predictions.csv",
    "model readers": "lungai model readers plan.toml build/cv/predictions.csv",
    "model summary": "lungai model summary densenet121 --edge 96",
    "model verify": "lungai model verify our-pack.zip",
    "run": "lungai run ct --candidates candidates.json --out report",
    "trace accept": "lungai trace accept",
    "trace check": "lungai trace check --verified",
    "trace coverage": "lungai trace coverage",
    "trace export": "lungai trace export reqif --out requirements.reqif",
    "trace fingerprint": "lungai trace fingerprint SRS-004",
    "trace impact": "lungai trace impact main..HEAD",
    "trace import": "lungai trace import reqif requirements.reqif --out requirements/imported.md",
    "trace init": "lungai trace init",
    "trace matrix": "lungai trace matrix --out matrix",
    "trace merge": "lungai trace merge shard-1/record.json shard-2/record.json",
    "trace review": 'lungai trace review SRS-001 --accept --reviewer "A. Reviewer"',
    "trace validate-tool": "lungai trace validate-tool --out build/evidence",
    "train": "lungai train --plan plan.toml --out build/cv --cross-validate",
}


def add_examples(app: typer.Typer, /, *, before: str = "") -> None:
    """Put the example of each verb at the end of its help.

    :implements: SRS-CLI-012, SDS-CLI-012

    Parameters
    ----------
    app
        The application, or a group of it.
    before
        The words that lead to the group, with a blank after them.
    """
    for verb in app.registered_commands:
        example = EXAMPLES.get(f"{before}{verb.name}")
        verb.epilog = f"Example: {example}" if example else None
    for group in app.registered_groups:
        if group.typer_instance is not None:
            add_examples(group.typer_instance, before=f"{before}{group.name} ")
