"""What all tests share: the data beside the checkout, and a closed network."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import pytest

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
