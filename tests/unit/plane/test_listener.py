from __future__ import annotations

import socket
from pathlib import Path

import pytest

from sandkube.errors import PortTaken
from sandkube.plane import listener


def port_of(bound: socket.socket) -> int:
    return int(bound.getsockname()[1])


def test_any_free_port_on_loopback() -> None:
    with listener.bind(None) as bound:
        assert bound.getsockname()[0] == "127.0.0.1"
        with socket.create_connection(bound.getsockname()):  # it listens already
            pass


def test_the_last_port_comes_back() -> None:
    with listener.bind(None) as bound:
        port = port_of(bound)
    with listener.bind(None, last=port) as again:
        assert port_of(again) == port


def test_a_port_that_no_outgoing_connection_takes_while_the_cluster_is_down(tmp_path: Path) -> None:
    outgoing = tmp_path / "ip_local_port_range"
    outgoing.write_text("10600\t65535\n")
    assert set(listener.lasting(outgoing)) <= set(range(10500, 10600))


@pytest.mark.skipif(not listener.OUTGOING.is_file(), reason="needs to know what ports connections get")
def test_no_outgoing_connection_has_a_port_that_a_cluster_could_get() -> None:
    with listener.bind(None) as bound, socket.create_connection(bound.getsockname()) as connection:
        first, last = map(int, listener.OUTGOING.read_text().split())
        assert first <= port_of(connection) <= last
        assert not first <= port_of(bound) <= last


def test_any_port_where_the_system_does_not_say_which_it_gives_to_connections(tmp_path: Path) -> None:
    assert listener.lasting(tmp_path / "none") == []
    (tmp_path / "all").write_text("1024 65535")
    assert listener.lasting(tmp_path / "all") == []


def test_another_port_if_the_last_one_is_taken() -> None:
    with listener.bind(None) as bound, listener.bind(None, last=port_of(bound)) as other:
        assert port_of(other) != port_of(bound)


def test_a_port_that_is_asked_for_and_taken_is_an_error_that_says_by_whom() -> None:
    with listener.bind(None) as bound, pytest.raises(PortTaken, match=r"is taken by .+ \(pid \d+\)"):
        listener.bind(port_of(bound))


def test_without_proc_the_holder_is_unknown(tmp_path: Path) -> None:
    with listener.bind(None) as bound:
        assert listener.holder_of(port_of(bound), tmp_path) is None


def test_nobody_holds_a_free_port() -> None:
    with listener.bind(None) as bound:
        port = port_of(bound)
    assert listener.holder_of(port) is None


def test_the_first_address_that_endpoints_may_have() -> None:
    given = [None, "127.0.0.1", "169.254.1.1", "0.0.0.0", "224.0.0.1", "192.0.2.7", "10.0.0.1"]
    assert listener.first_usable(given) == "192.0.2.7"
    assert listener.first_usable(["127.0.1.1"]) is None


def test_the_machine_has_a_usable_address_or_none() -> None:
    found = listener.advertise_address()
    assert found is None or not found.startswith("127.")
