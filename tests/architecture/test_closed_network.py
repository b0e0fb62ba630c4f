from __future__ import annotations

import socket

import pytest


@pytest.mark.verifies("SRS-ERR-007", "RC-ERR-001")
def test_a_connection_that_leaves_the_machine_fails_the_test():
    with socket.socket() as outward, pytest.raises(RuntimeError, match="the network is closed"):
        outward.connect(("192.0.2.1", 80))


@pytest.mark.verifies("SRS-ERR-007", "RC-ERR-001")
def test_looking_up_a_foreign_name_fails_the_test():
    with pytest.raises(RuntimeError, match="the network is closed"):
        socket.getaddrinfo("example.org", 443)


@pytest.mark.verifies("SRS-ERR-007")
def test_loopback_stays_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            assert client.getpeername() == server.getsockname()
