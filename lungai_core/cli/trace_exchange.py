"""``lungai trace export`` and ``lungai trace import``: the formats of other tools."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lungai_core.trace import Item, TraceConfig

__all__ = ["ExportFormat", "ImportFormat", "export_items", "import_items"]


class ExportFormat(StrEnum):
    """What the trace can be written as.

    :implements: SRS-TRACE-016, SDS-TRACE-018
    """

    CSV = "csv"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    NEEDS = "needs"
    REQIF = "reqif"
    XLSX = "xlsx"


class ImportFormat(StrEnum):
    """What items can be read from.

    :implements: SRS-TRACE-016, SDS-TRACE-018
    """

    CSV = "csv"
    DOORSTOP = "doorstop"
    FRONT_MATTER = "front-matter"
    NEEDS = "needs"
    REQIF = "reqif"
    SDOC = "sdoc"
    XLSX = "xlsx"


def export_items(
    form: Annotated[ExportFormat, typer.Argument(help="The format to write.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    root: Annotated[Path, typer.Option("--root", help="The folder of pyproject.toml.", file_okay=False)] = Path(),
) -> None:
    """Write items (csv, markdown, needs, reqif), the matrix (xlsx) or the last complete run (junit).

    :implements: SRS-TRACE-016, SDS-TRACE-018
    """
    from lungai_core.files import write_whole
    from lungai_core.trace import full_matrix, load_graph, read_config, read_record
    from lungai_core.trace.exchange.markdown import items_markdown
    from lungai_core.trace.exchange.needs import junit_xml, needs_json
    from lungai_core.trace.exchange.reqif import reqif_xml
    from lungai_core.trace.exchange.tables import items_csv, matrix_xlsx
    from lungai_core.trace.surroundings import git_lines

    config = read_config(root.resolve())
    graph = load_graph(config)
    items = graph.items.items
    path = config.output_folder / "record.json"
    wanted = form is ExportFormat.JUNIT or (form is ExportFormat.XLSX and path.exists())
    record = read_record(path) if wanted else None
    if form is ExportFormat.XLSX:
        matrix_xlsx(full_matrix(graph, record), out)
    elif record is not None and form is ExportFormat.JUNIT:
        write_whole(out, junit_xml(record))
    else:
        # The time of the commit, so that one commit exports the same bytes on any day.
        time = (git_lines(config.root, "log", "-1", "--format=%cI") or ("1970-01-01T00:00:00+00:00",))[0]
        text = {
            ExportFormat.CSV: lambda: items_csv(items),
            ExportFormat.MARKDOWN: lambda: items_markdown(items, title=config.project),
            ExportFormat.NEEDS: lambda: needs_json(items, project=config.project, version="1"),
            ExportFormat.REQIF: lambda: reqif_xml(items, project=config.project, exported_at=time),
        }[form]()
        write_whole(out, text)
    typer.echo(f"{out}: {len(items)} items")


def import_items(
    form: Annotated[
        ImportFormat, typer.Argument(metavar="FORMAT", help="csv doorstop front-matter needs reqif sdoc xlsx")
    ],
    source: Annotated[
        Path, typer.Argument(exists=True, help="A file, or a folder for doorstop, sdoc and front-matter.")
    ],
    out: Annotated[Path, typer.Option(help="The Markdown document to write; it must not exist.")],
    root: Annotated[Path, typer.Option("--root", help="The folder of pyproject.toml.", file_okay=False)] = Path(),
) -> None:
    """Read items of another tool and write them as one Markdown document.

    :implements: SRS-TRACE-016, SDS-TRACE-018
    """
    from lungai_core.errors import OutputFolderError
    from lungai_core.files import write_whole
    from lungai_core.trace import read_config
    from lungai_core.trace.exchange.markdown import items_markdown

    if out.exists():
        raise OutputFolderError(
            "The document exists.", where=str(out), remedy="Choose another name; nothing is overwritten."
        )
    config = read_config(root.resolve())
    items = _read(form, source, config)
    write_whole(out, items_markdown(items, title=source.stem))
    unknown = sorted({item.item_id for item in items if not item.kind})
    typer.echo(f"{out}: {len(items)} items")
    if unknown:
        typer.echo(
            f"{len(unknown)} IDs are of no configured kind, such as {unknown[0]}; `lungai trace check` names them."
        )


def _read(form: ImportFormat, source: Path, config: TraceConfig) -> tuple[Item, ...]:
    from lungai_core.trace.exchange.documents import items_from_doorstop, items_from_front_matter, items_from_sdoc
    from lungai_core.trace.exchange.needs import items_from_needs_json
    from lungai_core.trace.exchange.reqif import items_from_reqif
    from lungai_core.trace.exchange.tables import items_from_csv, items_from_xlsx

    if form is ImportFormat.XLSX:
        return items_from_xlsx(source, config)
    if form is ImportFormat.DOORSTOP:
        return items_from_doorstop(source, config)
    suffix = {ImportFormat.SDOC: "*.sdoc", ImportFormat.FRONT_MATTER: "*.md"}.get(form, "*")
    paths = [source] if source.is_file() else sorted(source.rglob(suffix))
    items: list[Item] = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if form is ImportFormat.FRONT_MATTER:
            items += items_from_front_matter(text, config, name=str(path))
        else:
            reader = {
                ImportFormat.CSV: items_from_csv,
                ImportFormat.NEEDS: items_from_needs_json,
                ImportFormat.REQIF: items_from_reqif,
                ImportFormat.SDOC: items_from_sdoc,
            }[form]
            items += reader(text, config)
    return tuple(items)
