"""What all tests share: the data beside the checkout, a closed network, and the counts of fuzz tests."""

from __future__ import annotations

import functools
import importlib.metadata
import ipaddress
import json
import socket
import time
from pathlib import Path

import pytest
from hypothesis.errors import HypothesisException

from support import browser as support_browser
from support import ct_series as support_ct_series

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"


class NetworkBlockedError(RuntimeError):
    """A test tried to leave this machine."""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"localhost", ""}


@pytest.fixture(autouse=True, scope="session")
def _closed_network():
    """Fail any connection or name look-up that would leave the loopback interface, for the whole run."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def refuse_unless_loopback(address: object) -> None:
        if isinstance(address, tuple) and not _is_loopback(str(address[0])):
            message = "the network is closed during tests: only loopback may be reached"
            raise NetworkBlockedError(message)

    def guarded_connect(self, address):
        refuse_unless_loopback(address)
        return connect(self, address)

    def guarded_connect_ex(self, address):
        refuse_unless_loopback(address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host, *arguments, **options):
        refuse_unless_loopback((host.decode() if isinstance(host, bytes) else host or "",))
        return getaddrinfo(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


def _shared(part: str) -> Path:
    folder = SHARED / part
    if not folder.is_dir():
        pytest.skip(f"../shared/{part} is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    return _shared("data")


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    return _shared("reference")


@pytest.fixture(scope="session")
def ct_series():
    """Give the module that writes CT series for tests."""
    return support_ct_series


@pytest.fixture(scope="session")
def browser():
    """Give the module that opens pages in headless Chromium; without Chromium the test is skipped."""
    if support_browser.CHROMIUM is None:
        pytest.skip("chromium is not installed")
    return support_browser


# Fuzz tests: how many inputs each was given, and how many ended in an exception. With --fuzz-record the process that
# collects the reports writes them as the record that `lungai evidence build` reads.


def pytest_addoption(parser):
    parser.addoption("--fuzz-record", type=Path, help="write the counts of the tests marked `fuzz` to this file")


def pytest_configure(config):
    if config.getoption("--fuzz-record") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_FuzzRecord(config), "fuzz-record")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    mark, handle = item.get_closest_marker("fuzz"), getattr(getattr(item, "obj", None), "hypothesis", None)
    if mark is None or handle is None:
        return (yield)
    inner, counts = handle.inner_test, {"inputs": 0, "failures": 0}

    @functools.wraps(inner)
    def counted(*arguments, **named):
        try:
            inner(*arguments, **named)
        except HypothesisException:  # no input was made of this attempt
            raise
        except BaseException as error:
            made = "StopTest" not in type(error).__name__
            counts["inputs"] += made
            counts["failures"] += made
            raise
        counts["inputs"] += 1

    handle.inner_test = counted
    try:
        return (yield)
    finally:
        handle.inner_test = inner
        item.user_properties.append(("fuzz", {"target": mark.args[0], "test": item.nodeid, **counts}))


class _FuzzRecord:
    def __init__(self, config):
        self._path, self._campaigns = config.getoption("--fuzz-record"), {}
        self._started = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())

    def pytest_runtest_logreport(self, report):
        self._campaigns |= {value["test"]: value for name, value in report.user_properties if name == "fuzz"}

    def pytest_sessionfinish(self):
        campaigns = [self._campaigns[name] for name in sorted(self._campaigns)]
        record = {
            "tool": f"hypothesis {importlib.metadata.version('hypothesis')}, pytest {pytest.__version__}",
            "time": self._started,
            "settings": "inputs are drawn anew in each run; shrinking of a failure counts as inputs",
            "inputs": sum(each["inputs"] for each in campaigns),
            "failures": sum(each["failures"] for each in campaigns),
            "campaigns": campaigns,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
