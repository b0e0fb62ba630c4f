"""``needs.json`` of sphinx-needs, and JUnit XML with properties."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lungai_core.errors import ExchangeError
from lungai_core.trace.exchange.markdown import make_item
from lungai_core.trace.exchange.xml_text import xml_attribute, xml_content
from lungai_core.trace.record import NOT_RUN, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lungai_core.trace.config import TraceConfig
    from lungai_core.trace.items import Item
    from lungai_core.trace.record import RunRecord, TestResult

__all__ = ["items_from_needs_json", "junit_xml", "needs_json"]

_PLAIN = frozenset({"id", "title", "content", "description", "links", "type"})
_FAILURES = frozenset({Outcome.FAILED, Outcome.CRASHED, Outcome.TIMEOUT, Outcome.XPASSED_STRICT})
_SKIPS = frozenset({Outcome.SKIPPED, Outcome.XFAILED, *NOT_RUN})


def needs_json(items: Iterable[Item], /, *, project: str, version: str) -> str:
    """Return items as a ``needs.json`` of sphinx-needs.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    items
        Each becomes a need whose type is its kind and whose links are its parents.
    project, version
        As sphinx-needs wants them.
    """
    needs: dict[str, dict[str, object]] = {}
    for item in items:
        needs[item.item_id] = {
            "id": item.item_id,
            "title": item.title,
            "type": item.kind,
            "content": item.text,
            "links": list(item.parents),
            "status": item.status,
            "method": item.method,
            "text_zh": item.text_zh,
            "rationale": item.rationale,
            "implemented_by": ", ".join(item.implemented_by),
            **dict(item.fields),
        }
    content = {
        "current_version": version,
        "project": project,
        "versions": {version: {"needs": needs, "needs_amount": len(needs)}},
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def items_from_needs_json(text: str, config: TraceConfig, /) -> tuple[Item, ...]:
    """Read items from the current version of a ``needs.json``.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    text
        The file.
    config
        Decides the kinds.
    """
    try:
        content = json.loads(text)
        needs = content["versions"][content["current_version"]]["needs"]
        return tuple(_item(need, config) for _, need in sorted(needs.items()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExchangeError(
            f"The file is no needs.json ({type(error).__name__}: {error}).",
            allowed="JSON with current_version and versions, as sphinx-needs writes it",
            remedy="Build it again with `sphinx-build -b needs`.",
        ) from error


def junit_xml(record: RunRecord, /) -> str:
    """Return a run as JUnit XML with the verified IDs as properties: one test case a test, reruns included in its text.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    record
        The run. JUnit has three outcomes for our fourteen; the exact one is a property of each test case.
    """
    cases = "".join(_case(result) for result in record.results)
    failures = sum(result.outcome in _FAILURES for result in record.results)
    errors = sum(result.outcome is Outcome.ERROR for result in record.results)
    skipped = sum(result.outcome in _SKIPS for result in record.results)
    head = (
        f'<testsuite name="lungai-trace" tests="{len(record.results)}" failures="{failures}" errors="{errors}" '
        f'skipped="{skipped}" time="{record.duration_s:.3f}" timestamp={xml_attribute(record.started)}>'
    )
    properties = _properties({"commit": record.commit, "complete": str(record.complete).lower()}.items())
    body = f"{head}\n{properties}{cases}</testsuite>"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n{body}\n</testsuites>\n'


def _item(need: Mapping[str, object], config: TraceConfig, /) -> Item:
    more = {key: value for key, value in need.items() if key not in _PLAIN and isinstance(value, str)}
    links = need.get("links") or ()
    text = need.get("content") or need.get("description") or ""
    return make_item(
        config,
        str(need["id"]),
        title=str(need.get("title") or ""),
        text=str(text),
        parents=[str(link) for link in links] if isinstance(links, list | tuple) else [],
        more=more,
    )


def _case(result: TestResult, /) -> str:
    path, _, name = result.node_id.partition("::")
    seconds = sum(attempt.duration_s for attempt in result.attempts)
    head = f'<testcase classname={xml_attribute(path)} name={xml_attribute(name)} time="{seconds:.3f}">\n'
    pairs = [("outcome", str(result.outcome)), *(("verifies", item_id) for item_id in result.verifies)]
    tag = "failure" if result.outcome in _FAILURES else "error" if result.outcome is Outcome.ERROR else ""
    tag = tag or ("skipped" if result.outcome in _SKIPS else "")
    message = f"{result.outcome.replace('_', ' ')}: {result.message}".rstrip(": ")
    verdict = f"<{tag} message={xml_attribute(message)}/>\n" if tag else ""
    history = "".join(f"{attempt.outcome}: {attempt.message}\n" for attempt in result.attempts[:-1])
    text = f"<system-out>{xml_content(history)}</system-out>\n" if history else ""
    return f"{head}{_properties(pairs)}{verdict}{text}</testcase>\n"


def _properties(pairs: Iterable[tuple[str, str]], /) -> str:
    lines: Iterator[str] = (
        f"<property name={xml_attribute(name)} value={xml_attribute(value)}/>\n" for name, value in pairs
    )
    return "<properties>\n" + "".join(lines) + "</properties>\n"
