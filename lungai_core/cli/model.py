"""The verbs ``lungai model verify``, ``card``, ``summary``, ``export``, ``compare`` and ``readers``."""

from __future__ import annotations

import json
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]

# The network halves the patch five times.
_EDGE_STEP = 32
_PACK = Annotated[Path | None, typer.Argument(help="Folder or zip of a model pack; the bundled one if absent.")]


class _Spec(StrEnum):
    DENSENET121 = "densenet121"
    SMALL = "small"
    TINY = "tiny"


def register(app: typer.Typer) -> None:
    """Add the group ``model``.

    :implements: SRS-PACK-008, SRS-MODEL-008, SDS-PACK-007

    Parameters
    ----------
    app
        The application.
    """
    group = typer.Typer(
        no_args_is_help=True, help="Models: verify, read the card, export, compare with another and with readers."
    )
    group.command("verify")(_verify)
    group.command("card")(_card)
    group.command("summary")(_summary)
    group.command("export")(_export)
    group.command("compare")(_compare)
    group.command("readers")(_readers)
    app.add_typer(group, name="model")


def _verify(
    pack: _PACK = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check every file of a model pack against its manifest, and the records against this software."""
    from lungai_core.modelpack.pack import bundled_pack, open_pack

    opened = open_pack(bundled_pack() if pack is None else pack)
    facts = {
        "model": f"{opened.contract.model_name} {opened.contract.model_version}",
        "trained": opened.card.trained,
        "pack_sha256": opened.sha256,
        "model_sha256": opened.model_sha256,
        "preprocessing_sha256": opened.contract.preprocessing_sha256,
    }
    if as_json:
        typer.echo(json.dumps(facts, sort_keys=True))
        return
    for name, value in facts.items():
        typer.echo(f"{name:<22}{value}")
    typer.echo("verified: every file is what the manifest says")


def _card(pack: _PACK = None) -> None:
    """Print the model card, in English and Chinese."""
    from lungai_core.modelpack.card import render_card
    from lungai_core.modelpack.pack import bundled_pack, open_pack

    typer.echo(render_card(open_pack(bundled_pack() if pack is None else pack).card), nl=False)


def _whole_multiple(edge: int) -> int:
    if edge % _EDGE_STEP:
        raise typer.BadParameter(f"{edge} is not a multiple of {_EDGE_STEP}")
    return edge


def _summary(
    spec: Annotated[_Spec, typer.Argument(help="One of the networks that ship with the library.")] = _Spec.SMALL,
    *,
    edge: Annotated[
        int,
        typer.Option(min=32, callback=_whole_multiple, help="Voxels along each edge of the patch, a multiple of 32."),
    ] = 96,
) -> None:
    """State parameters, arithmetic and memory of a network for one patch, as JSON; nothing is computed."""
    from lungai_core.model.spec import named_spec
    from lungai_core.model.summary import summarize

    typer.echo(summarize(named_spec(spec.value), size_zyx=(edge, edge, edge)).model_dump_json(indent=1))


def _export(  # noqa: PLR0913 - the options of a verb are its parameters
    out: Annotated[Path, typer.Argument(help="The folder, or a name ending in .zip, to write.")],
    *,
    spec: Annotated[_Spec, typer.Option(help="Network with seeded random weights to export.")] = _Spec.SMALL,
    seed: Annotated[int, typer.Option(help="Seed of the random weights.")] = 20261122,
    run: Annotated[
        Path | None, typer.Option(help="Folder of a cross-validation: export a trained network.", exists=True)
    ] = None,
    fold: Annotated[int, typer.Option(min=0, help="Which network of the cross-validation.")] = 0,
    nodules: Annotated[Path | None, typer.Option(help="Folder like lidc_nodules: compare on real patches too.")] = None,
    parity: Annotated[int, typer.Option(min=0, help="Random, and real, patches to compare with the network.")] = 4,
    fp16: Annotated[bool, typer.Option("--fp16", help="Add a graph in half precision, measured.")] = False,
) -> None:
    """Write a model pack, compared with its network. Without --run the weights are random, and the card says so."""
    from lungai_core.model.spec import named_spec
    from lungai_core.training.export import export_trained, export_untrained
    from lungai_core.training.onnx_export import Precisions
    from lungai_core.training.parity import Patches

    precisions = Precisions.SINGLE_AND_HALF if fp16 else Precisions.SINGLE
    patches = Patches(random=parity, real=parity, nodules=nodules)
    if run is None:
        pack = export_untrained(named_spec(spec.value), out, seed=seed, patches=patches, precisions=precisions)
    else:
        pack = export_trained(run, out, fold=fold, patches=patches, precisions=precisions)
    typer.echo(f"{pack.path}: {pack.contract.model_name}, trained: {str(pack.card.trained).lower()}")
    typer.echo(f"pack SHA-256 {pack.sha256}")


def _compare(
    first: Annotated[Path, typer.Argument(help="predictions.csv of a cross-validation.", exists=True, dir_okay=False)],
    second: Annotated[Path, typer.Argument(help="The same nodules by another plan.", exists=True, dir_okay=False)],
    *,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap over patients.")] = 0,
) -> None:
    """Print what the second plan gains on the first, paired nodule by nodule, as a Markdown table."""
    from lungai_core.training.evaluation import compare
    from lungai_core.training.figures import render_figures
    from lungai_core.training.predictions import read_predictions

    gains = compare(read_predictions(first), read_predictions(second), seed=seed)
    typer.echo(render_figures(gains), nl=False)


def _readers(
    plan: Annotated[Path, typer.Argument(help="The plan, which names the data.", exists=True, dir_okay=False)],
    predictions: Annotated[
        Path, typer.Argument(help="predictions.csv of its cross-validation.", exists=True, dir_okay=False)
    ],
    *,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap over patients.")] = 0,
) -> None:
    """Print what one reader and the network agree on with the other readers, as a Markdown table."""
    # First of all, so that an installation without the extra `train` is told of that one and not of a part of it.
    import_module("torch")
    from lungai_core.training.figures import render_figures
    from lungai_core.training.plan import read_plan
    from lungai_core.training.predictions import read_predictions
    from lungai_core.training.readers import beside_readers
    from lungai_core.training.run import load_samples

    samples = load_samples(read_plan(plan), base=plan.resolve().parent)
    typer.echo(render_figures(beside_readers(read_predictions(predictions), samples, seed=seed)), nl=False)
