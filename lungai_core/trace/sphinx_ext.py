"""Sphinx extension: ``:req:`` links to items, and pages of items with their code, tests and last result.

In ``conf.py``: ``extensions = ["lungai_core.trace.sphinx_ext"]``; ``lungai_trace_root`` names the folder of
``pyproject.toml``, relative to that of ``conf.py`` (default ``..``). An unknown ID is a warning, an error with ``-W``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.domains import Domain
from sphinx.roles import XRefRole
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_id, make_refnode

from lungai_core.trace.config import read_config
from lungai_core.trace.graph import load_graph
from lungai_core.trace.record import read_record
from lungai_core.trace.views import full_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from docutils.nodes import Element, Node
    from sphinx.application import Sphinx
    from sphinx.builders import Builder
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata

    from lungai_core.trace.matrix import Matrix, MatrixRow

__all__ = ["ItemsDirective", "TraceDomain", "setup"]


class ItemsDirective(SphinxDirective):
    """``.. lungai:items:: KIND-OR-ID …`` shows items with their texts, links, code, tests and verdict.

    :implements: SRS-TRACE-017, SDS-TRACE-019
    """

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[Node]:
        """Return one section an item.

        :implements: SRS-TRACE-017, SDS-TRACE-019
        """
        matrix = _matrix(self.env)
        wanted = set(self.arguments[0].split())
        known = {row.item.item_id for row in matrix.rows} | {kind.name for kind in matrix.graph.config.kinds}
        for name in sorted(wanted - known):
            raise self.error(f"{name} is neither an item ID nor a kind of item")
        domain = self.env.domains[TraceDomain.name]
        found: list[Node] = []
        for row in matrix.rows:
            if {row.item.item_id, row.item.kind} & wanted:
                self.env.note_dependency(str(matrix.graph.config.root / row.item.place.path))
                target = make_id(self.env, self.state.document, "item", row.item.item_id)
                domain.data["items"][row.item.item_id] = (self.env.docname, target)
                found.append(_section(row, matrix, target, self.env.docname))
        return found


class TraceDomain(Domain):
    """Items as link targets.

    :implements: SRS-TRACE-017, SDS-TRACE-019
    """

    name = "lungai"
    label = "lungai-core trace"
    roles: ClassVar = {"req": XRefRole(warn_dangling=True)}
    directives: ClassVar = {"items": ItemsDirective}
    initial_data: ClassVar[dict[str, dict[str, tuple[str, str]]]] = {"items": {}}
    dangling_warnings: ClassVar = {"req": "unknown item ID: %(target)s"}

    def clear_doc(self, docname: str) -> None:
        """Forget the items of a document that is read again.

        :implements: SRS-TRACE-017, SDS-TRACE-019
        """
        items = self.data["items"]
        self.data["items"] = {item_id: place for item_id, place in items.items() if place[0] != docname}

    def merge_domaindata(self, docnames: AbstractSet[str], otherdata: dict[str, dict[str, tuple[str, str]]]) -> None:
        """Take over the items that another reading process found.

        :implements: SRS-TRACE-017, SDS-TRACE-019
        """
        items = otherdata["items"]
        self.data["items"] |= {item_id: place for item_id, place in items.items() if place[0] in docnames}

    def resolve_xref(  # noqa: PLR0913, PLR0917 - Sphinx's signature
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,  # noqa: ARG002 - Sphinx calls it with these names
        target: str,
        node: pending_xref,  # noqa: ARG002  # Sphinx gives it by name
        contnode: Element,
    ) -> nodes.reference | None:
        """Link an ID to its item; a known item that no page shows stays text.

        :implements: SRS-TRACE-017, SDS-TRACE-019
        """
        if target in self.data["items"]:
            docname, anchor = self.data["items"][target]
            return make_refnode(builder, fromdocname, docname, anchor, contnode)
        item = _matrix(env).graph.items.by_id.get(target)
        if item is None:
            return None
        return nodes.reference("", "", contnode, internal=True, refuri="#", reftitle=f"{item.title} ({item.place})")

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Give the items to the search index.

        :implements: SRS-TRACE-017, SDS-TRACE-019
        """
        for item_id, (docname, anchor) in sorted(self.data["items"].items()):
            yield item_id, item_id, "item", docname, anchor, 1


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the domain, the role ``:req:`` and the setting.

    :implements: SRS-TRACE-017, SDS-TRACE-019

    Parameters
    ----------
    app
        Sphinx.
    """
    app.add_config_value("lungai_trace_root", "..", "env", types=[str])
    app.add_domain(TraceDomain)
    app.add_role("req", _ItemRole(warn_dangling=True))
    return {"parallel_read_safe": True, "parallel_write_safe": True, "env_version": 1}


class _ItemRole(XRefRole):
    """The role ``:req:`` without its domain's name before it."""

    def run(self) -> tuple[list[Node], list[nodes.system_message]]:
        self.name = f"{TraceDomain.name}:req"
        return super().run()


def _matrix(env: BuildEnvironment) -> Matrix:
    """Load the trace once a build; a build is one process, so the application may hold it."""
    held: Matrix | None = getattr(env.app, "lungai_trace_matrix", None)
    if held is None:
        graph = load_graph(read_config((Path(env.app.confdir) / env.config.lungai_trace_root).resolve()))
        path = graph.config.output_folder / "record.json"
        held = full_matrix(graph, read_record(path) if path.exists() else None)
        env.app.lungai_trace_matrix = held  # type: ignore[attr-defined]
    return held


def _section(row: MatrixRow, matrix: Matrix, target: str, docname: str) -> nodes.section:
    item, verdict = row.item, row.verdict
    section = nodes.section(ids=[target], names=[item.item_id.lower()])
    section += nodes.title("", f"{item.item_id} · {item.title}")
    for text in filter(None, (*item.text.split("\n\n"), item.text_zh)):
        section += nodes.paragraph("", " ".join(text.replace("**", "").split()))
    facts = nodes.field_list()
    counts = f"mapped {verdict.mapped}, run {verdict.run}, passed {verdict.passed}"
    facts += _field("Verdict", nodes.Text(f"{verdict.verdict} ({counts}) {verdict.reason}".strip()))
    for name, ids in (("Links up to", item.parents), ("Linked from", row.children)):
        if ids:
            facts += _field(name, *_references(ids, docname))
    places = {each.name: each.place for each in matrix.graph.code.objects}
    if row.code:
        facts += _field("Code", *_joined([nodes.literal("", f"{name} ({places[name]})") for name in row.code]))
    outcomes = {result.node_id: result.outcome for result in matrix.results}
    if row.tests:
        entries = [nodes.literal("", f"{test} [{outcomes[test]}]") for test in row.tests]
        facts += _field("Tests", *_joined(entries))
    section += facts
    return section


def _references(ids: tuple[str, ...], docname: str) -> list[Node]:
    return _joined([_reference(item_id, docname) for item_id in ids])


def _reference(item_id: str, docname: str) -> pending_xref:
    attributes = {"refdomain": TraceDomain.name, "reftype": "req", "reftarget": item_id}
    return pending_xref("", nodes.literal("", item_id), refdoc=docname, refwarn=True, refexplicit=False, **attributes)


def _joined(entries: Sequence[Node]) -> list[Node]:
    return [part for entry in entries for part in (entry, nodes.Text(", "))][:-1]


def _field(name: str, *content: Node) -> nodes.field:
    return nodes.field("", nodes.field_name("", name), nodes.field_body("", nodes.paragraph("", "", *content)))
