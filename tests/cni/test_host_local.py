"""The CNI plugin by itself, called as a runtime calls it: every command, what it keeps, how it refuses."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cni.calls import PATIENCE, Plugin, addresses, at_once, environment, leases, network
from command_line import NOBODY, public_folder, python_of_all
from sandkube.cni import host_local, write_plugin

FOUR = {"subnet": "10.1.0.0/24"}
SIX = {"subnet": "fd00::/64"}
# What the note that this project began with writes to /opt/cni/bin.
NOTE = """#!/bin/bash
echo '{"cniVersion": "0.4.0", "ips": [{"version": "4", "address": "10.244.0.1/24"}]}'
exit 0
"""


# The note


def test_the_notes_network_gets_an_address_of_its_range_in_its_version(ours: Plugin, tmp_path: Path) -> None:
    asked = network(tmp_path, version="0.4.0", subnet="10.244.0.0/24")
    answer = ours("ADD", asked)
    (entry,) = answer["ips"]
    address = ipaddress.ip_interface(entry["address"])
    assert answer["cniVersion"] == "0.4.0"
    assert entry["version"] == "4"
    assert address.network == ipaddress.ip_network("10.244.0.0/24")
    assert str(address.ip) != entry["gateway"] == "10.244.0.1"


def test_the_notes_script_ignores_what_it_is_asked(ours: Plugin, tmp_path: Path) -> None:
    """It gives the gateway's address, the same to everybody, from whatever network, and for a DEL too."""
    if shutil.which("bash") is None:
        pytest.skip("needs bash, which the note's script is for")
    path = tmp_path / "host-local"
    path.write_text(NOTE)
    path.chmod(0o755)
    script = Plugin(path)
    elsewhere = network(tmp_path, {"subnet": "192.168.7.0/24"}, version="1.1.0")
    answers = [script(command, elsewhere, name) for command in ("ADD", "DEL") for name in ("c1", "c2")]
    assert {json.dumps(answer) for answer in answers} == {
        '{"cniVersion": "0.4.0", "ips": [{"version": "4", "address": "10.244.0.1/24"}]}'
    }
    assert addresses(ours("ADD", elsewhere)) == ["192.168.7.2/24"]


def test_called_with_nothing_it_says_what_it_is_on_standard_error(ours: Plugin) -> None:
    """The note calls its script so. Nothing is asked, and the CNI project's plugin succeeds."""
    done = ours.run("", {})
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("CNI host-local plugin of sandkube")
    assert "1.1.0" in done.stderr


# The commands


def test_version_needs_no_network(ours: Plugin) -> None:
    answer = json.loads(ours.run("", {"CNI_COMMAND": "VERSION"}).stdout)
    assert answer["cniVersion"] == "1.1.0"
    assert answer["supportedVersions"] == ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]


def test_an_address_is_given_checked_and_given_back(ours: Plugin, tmp_path: Path) -> None:
    asked = network(tmp_path, FOUR)
    assert ours("ADD", asked) == {
        "cniVersion": "1.1.0",
        "ips": [{"address": "10.1.0.2/24", "gateway": "10.1.0.1"}],
    }
    assert ours("CHECK", asked) is None
    assert ours("DEL", asked) is None
    assert ours.code("CHECK", asked) == 999
    assert ours("DEL", asked) is None, "a second DEL succeeds"


def test_the_folder_is_laid_out_as_the_cni_projects_plugin_does(ours: Plugin, tmp_path: Path) -> None:
    ours("ADD", network(tmp_path / "data", FOUR, SIX))
    folder = tmp_path / "data" / "net"
    found = {path.name: (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) for path in folder.iterdir()}
    assert found == {
        "10.1.0.2": (0o600, b"c1\r\neth0"),
        "fd00::2": (0o600, b"c1\r\neth0"),
        "last_reserved_ip.0": (0o600, b"10.1.0.2"),
        "last_reserved_ip.1": (0o600, b"fd00::2"),
        "lock": (0o750, b""),
    }
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o755


def test_an_address_comes_again_after_all_others(ours: Plugin, tmp_path: Path) -> None:
    asked = network(tmp_path, {"subnet": "10.1.0.0/29", "gateway": "10.1.0.4"})
    given = []
    for _ in range(6):
        given += addresses(ours("ADD", asked))
        ours("DEL", asked)
    assert given == [f"10.1.0.{n}/29" for n in (1, 2, 3, 5, 6, 1)]


def test_when_no_address_is_left_that_is_an_error_and_no_lease(ours: Plugin, tmp_path: Path) -> None:
    asked = network(tmp_path, {"subnet": "10.1.0.0/30"}, SIX)
    ours("ADD", asked, "c1")
    before = leases(tmp_path)
    assert "no addresses are available" in ours("ADD", asked, "c2", status=1)["msg"]
    assert leases(tmp_path) == before


def test_a_range_that_is_used_up_gives_back_what_another_gave(ours: Plugin, tmp_path: Path) -> None:
    asked = network(tmp_path, SIX, {"subnet": "10.1.0.0/30"})
    ours("ADD", asked, "c1")
    before = leases(tmp_path)
    ours("ADD", asked, "c2", status=1)
    assert leases(tmp_path) == before


def test_a_container_has_an_address_for_each_interface_and_no_second_one(
    ours: Plugin, tmp_path: Path
) -> None:
    asked = network(tmp_path, FOUR)
    assert addresses(ours("ADD", asked, interface="eth0")) == ["10.1.0.2/24"]
    assert addresses(ours("ADD", asked, interface="net1")) == ["10.1.0.3/24"]
    assert "already" in ours("ADD", asked, interface="eth0", status=1)["msg"]
    ours("DEL", asked, interface="net1")
    assert leases(tmp_path) == {"10.1.0.2": "c1\r\neth0"}


def test_a_lease_of_long_ago_names_no_interface(ours: Plugin, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "10.1.0.2").write_text("c1\n")
    asked = network(tmp_path, FOUR)
    ours("CHECK", asked, interface="any")
    ours("ADD", asked, status=1)
    ours("ADD", network(tmp_path, SIX, FOUR), status=1)
    ours("DEL", asked, interface="any")
    assert leases(tmp_path) == {}


def test_a_reservation_that_was_cut_off_is_free(ours: Plugin, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "10.1.0.2").touch()
    assert addresses(ours("ADD", network(tmp_path, FOUR))) == ["10.1.0.2/24"]
    assert leases(tmp_path) == {"10.1.0.2": "c1\r\neth0"}


def test_what_cannot_be_read_is_taken_and_stays(ours: Plugin, tmp_path: Path) -> None:
    for name in ("10.1.0.2", "last_reserved_ip.0"):
        (tmp_path / "net" / name).mkdir(parents=True)
    asked = network(tmp_path, FOUR)
    assert ours("ADD", asked, status=1)["msg"].endswith("last_reserved_ip.0'")
    (tmp_path / "net" / "last_reserved_ip.0").rmdir()
    assert addresses(ours("ADD", asked)) == ["10.1.0.3/24"]
    ours("GC", {**asked, "cni.dev/valid-attachments": []})
    assert (tmp_path / "net" / "10.1.0.2").is_dir()
    assert not (tmp_path / "net" / "10.1.0.3").exists()


@pytest.mark.parametrize("key", ["cni.dev/valid-attachments", "cni.dev/attachments"])
def test_gc_gives_back_what_is_of_no_valid_attachment(ours: Plugin, tmp_path: Path, key: str) -> None:
    asked = network(tmp_path, FOUR, SIX)
    for container, interface in (("c1", "eth0"), ("c1", "net1"), ("c2", "eth0")):
        ours("ADD", asked, container, interface)
    (tmp_path / "net" / "10.1.0.99").touch()
    assert ours("GC", asked) is None, "nothing is said of what is valid"
    assert len(leases(tmp_path)) == 7
    ours("GC", {**asked, key: [{"containerID": "c1", "ifname": "net1"}]})
    assert leases(tmp_path) == {"10.1.0.3": "c1\r\nnet1", "fd00::3": "c1\r\nnet1"}
    ours("GC", {**asked, key: []})
    assert leases(tmp_path) == {}


def test_status_says_whether_the_folder_can_be_used_and_makes_nothing(ours: Plugin, tmp_path: Path) -> None:
    assert ours("STATUS", network(tmp_path / "not" / "yet", FOUR)) is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    assert ours.code("STATUS", network(tmp_path / "file", FOUR)) == 50
    assert ours.code("ADD", network(tmp_path / "file", FOUR)) == 999


def test_gc_and_status_work_where_only_the_runtime_names_ranges(ours: Plugin, tmp_path: Path) -> None:
    """It names them for a container. These two are asked without one."""
    asked = network(tmp_path)
    ours("ADD", asked | {"runtimeConfig": {"ipRanges": [[FOUR]]}})
    ours("STATUS", asked)
    ours("GC", asked | {"cni.dev/valid-attachments": []})
    assert leases(tmp_path) == {}
    assert ours.code("DEL", asked) == 999, "as the CNI project's plugin does"


# What can be asked


ROUTES = [{"dst": "0.0.0.0/0", "mtu": 1400}, {"dst": "10.9.8.7/16", "gw": "10.1.0.9"}, {"dst": "::/0"}]
NEW: dict[str, list[Any]] = {
    "ips": [
        {"address": "10.1.0.2/24", "gateway": "10.1.0.1"},
        {"address": "fd00::2/64", "gateway": "fd00::1"},
    ],
    "routes": ROUTES,
}
DNS = {"nameservers": ["10.0.0.1", "10.0.0.2"], "domain": "d", "search": ["a", "b"], "options": ["ndots:5"]}
OLD = {
    "ips": [{**one, "version": version} for one, version in zip(NEW["ips"], "46", strict=True)],
    "routes": ROUTES,
}
OLDEST = {
    "ip4": {
        "ip": "10.1.0.2/24",
        "gateway": "10.1.0.1",
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "10.9.8.7/16", "gw": "10.1.0.9"}],
    },
    "ip6": {"ip": "fd00::2/64", "gateway": "fd00::1", "routes": [{"dst": "::/0"}]},
}


@pytest.mark.parametrize(
    ("version", "form"),
    [
        ("1.1.0", NEW),
        ("1.0.0", NEW),
        ("0.4.0", OLD),
        ("0.3.1", OLD),
        ("0.3.0", OLD),
        ("0.2.0", OLDEST),
        ("0.1.0", OLDEST),
    ],
)
def test_each_version_has_its_form_of_a_result(
    ours: Plugin, tmp_path: Path, version: str, form: Mapping[str, Any]
) -> None:
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(
        "# c\nnameserver 10.0.0.1\nnameserver 10.0.0.2\ndomain d\nsearch a b\noptions ndots:5\n"
    )
    asked = network(tmp_path, FOUR, SIX, version=version, routes=ROUTES, resolvConf=str(resolver))
    assert ours("ADD", asked) == {"cniVersion": version, "dns": DNS, **form}


def test_before_1_0_an_empty_dns_is_said(ours: Plugin, tmp_path: Path) -> None:
    assert ours("ADD", network(tmp_path, FOUR, version="0.4.0"))["dns"] == {}
    assert "dns" not in ours("ADD", network(tmp_path, FOUR, version="1.0.0"), "c2")


def test_ranges_come_from_the_runtime_the_old_form_and_the_list_in_that_order(
    ours: Plugin, tmp_path: Path
) -> None:
    asked = network(tmp_path, SIX, subnet="10.2.0.0/24", rangeStart="10.2.0.50", gateway="10.2.0.254")
    asked["runtimeConfig"] = {"ipRanges": [[{"subnet": "10.3.0.0/24", "rangeEnd": "10.3.0.9"}]]}
    assert ours("ADD", asked)["ips"] == [
        {"address": "10.3.0.2/24", "gateway": "10.3.0.1"},
        {"address": "10.2.0.50/24", "gateway": "10.2.0.254"},
        {"address": "fd00::2/64", "gateway": "fd00::1"},
    ]


def test_the_ranges_of_a_set_are_used_one_after_the_other(ours: Plugin, tmp_path: Path) -> None:
    asked = network(tmp_path, ranges=[[{"subnet": "10.2.0.0/30"}, {"subnet": "10.3.0.0/30"}]])
    assert [addresses(ours("ADD", asked, name))[0] for name in ("c1", "c2")] == ["10.2.0.2/30", "10.3.0.2/30"]
    assert "10.2.0.1-10.2.0.2,10.3.0.1-10.3.0.2" in ours("ADD", asked, "c3", status=1)["msg"]


@pytest.mark.parametrize(
    ("keys", "variables"),
    [
        ({}, {"CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAME=x;IP=10.1.0.77"}),
        ({"args": {"cni": {"ips": ["10.1.0.77/24"]}}}, {}),
        ({"runtimeConfig": {"ips": ["::ffff:10.1.0.77"]}}, {}),
    ],
)
def test_an_address_can_be_requested_in_three_ways(
    ours: Plugin, tmp_path: Path, keys: dict[str, Any], variables: Mapping[str, str]
) -> None:
    asked = network(tmp_path, SIX, FOUR) | keys
    assert addresses(ours("ADD", asked, environ=variables)) == ["fd00::2/64", "10.1.0.77/24"]
    assert ours("ADD", asked, "c2", status=1, environ=variables)["code"] == 999, "it is taken"
    assert leases(tmp_path) == {"10.1.0.77": "c1\r\neth0", "fd00::2": "c1\r\neth0"}


def test_an_address_is_requested_for_each_family(ours: Plugin, tmp_path: Path) -> None:
    asked = network(tmp_path, FOUR, SIX) | {"runtimeConfig": {"ips": ["fd00::99", "10.1.0.99"]}}
    assert addresses(ours("ADD", asked)) == ["10.1.0.99/24", "fd00::99/64"]


@pytest.mark.parametrize("wanted", ["10.1.0.1", "10.2.0.1"])
def test_the_gateway_and_what_is_in_no_range_cannot_be_requested(
    ours: Plugin, tmp_path: Path, wanted: str
) -> None:
    assert ours.code("ADD", network(tmp_path, FOUR), environ={"CNI_ARGS": f"IP={wanted}"}) == 999
    assert leases(tmp_path) == {}


def test_a_failed_request_leaves_the_container_what_it_had(ours: Plugin, tmp_path: Path) -> None:
    asked = network(tmp_path, FOUR, SIX)
    ours("ADD", asked)
    before = leases(tmp_path)
    ours("ADD", asked, status=1, environ={"CNI_ARGS": "IP=10.1.0.9"})
    assert leases(tmp_path) == before


def test_keys_may_be_in_any_case(ours: Plugin, tmp_path: Path) -> None:
    text = json.dumps(network(tmp_path, FOUR)).replace("ipam", "IPAM").replace("subnet", "SubNet")
    assert addresses(ours("ADD", text)) == ["10.1.0.2/24"]


def test_without_a_data_dir_it_is_where_the_cni_projects_plugin_has_it(tmp_path: Path) -> None:
    fields = {"name": "net", "ipam": {"subnet": "10.1.0.0/24"}}
    assert host_local.network_of(fields, {}).folder == Path("/var/lib/cni/networks/net")


def test_what_another_plugin_gave_by_a_configuration_that_add_refuses_can_be_given_back(
    ours: Plugin, tmp_path: Path
) -> None:
    (tmp_path / "net").mkdir()
    for ipam in ({"routes": [{"gw": "10.1.0.1"}], **FOUR}, {"rangeStart": "10.1.0.255", **FOUR}):
        (tmp_path / "net" / "10.1.0.2").write_bytes(b"c1\r\neth0")
        asked = network(tmp_path, **ipam)
        assert ours.code("ADD", asked) == 999
        ours("DEL", asked)
        assert leases(tmp_path) == {}


# What is refused


def changed(folder: Path, **keys: Any) -> dict[str, Any]:
    return network(folder, FOUR) | keys


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 6),
        ("{", 6),
        ("[]", 6),
        ("{} {}", 6),
        ("[" * 20_000, 6),
        ('{"name": 5}', 6),
        ('{"name": "n", "cniVersion": 5}', 6),
        ('{"name": "n", "cniVersion": "9.9.9"}', 1),
        ("null", 7),
        ('{"name": ""}', 7),
        ('{"name": "../../etc"}', 7),
        ('{"name": "a b"}', 7),
        ('{"name": "n"}', 999),
        ('{"name": "n", "ipam": []}', 999),
    ],
)
def test_a_network_that_cannot_be_read_is_refused(ours: Plugin, text: str, code: int) -> None:
    assert ours.code("ADD", text) == code


@pytest.mark.parametrize(
    "ipam",
    [
        {},
        {"ranges": []},
        {"ranges": [[]]},
        {"ranges": [[None]]},
        {"ranges": [[{"subnet": "10.1.0.0/24"}, {"subnet": "fd00::/64"}]]},
        {"ranges": [[{"subnet": "10.1.0.0/24"}], [{"subnet": "10.1.0.128/25"}]]},
        {"subnet": None},
        {"subnet": "10.1.0.0"},
        {"subnet": "10.1.0.0/255.255.255.0"},
        {"subnet": "10.1.0.5/24"},
        {"subnet": "10.1.0.0/31"},
        {"subnet": "fd00::/127"},
        {"subnet": "fe80::%lo/64"},
        {"subnet": "10.1.0.0/24", "rangeStart": "10.2.0.1"},
        {"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.9", "rangeEnd": "10.1.0.8"},
        {"subnet": "10.1.0.0/24", "rangeEnd": "fd00::1"},
        {"subnet": "10.1.0.0/24", "gateway": "nobody"},
        {"subnet": "10.1.0.0/24", "dataDir": True},
        {"subnet": "10.1.0.0/24", "dataDir": "/dev/null\0"},
        {"subnet": "10.1.0.0/24", "routes": [{}]},
        {"subnet": "10.1.0.0/24", "routes": [{"dst": "0.0.0.0/0", "mtu": True}]},
        {"subnet": "10.1.0.0/24", "resolvConf": "/nowhere/resolv.conf"},
    ],
)
def test_a_configuration_without_sense_is_refused(
    ours: Plugin, tmp_path: Path, ipam: Mapping[str, Any]
) -> None:
    assert ours.code("ADD", changed(tmp_path, ipam={"dataDir": str(tmp_path), **ipam})) == 999
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "variables",
    [
        {"CNI_CONTAINERID": ""},
        {"CNI_NETNS": ""},
        {"CNI_IFNAME": ""},
        {"CNI_PATH": ""},
        {"CNI_CONTAINERID": "../c1"},
        {"CNI_CONTAINERID": "c1\n"},
        {"CNI_IFNAME": ".."},
        {"CNI_IFNAME": "a/b"},
        {"CNI_IFNAME": "sixteen-letters!"},
        {"CNI_IFNAME": "ääääääää"},
        {"CNI_COMMAND": "add"},
    ],
)
def test_an_environment_that_is_not_to_the_specification_is_refused(
    ours: Plugin, tmp_path: Path, variables: Mapping[str, str]
) -> None:
    assert ours.code("ADD", network(tmp_path, FOUR), environ=variables) == 4


@pytest.mark.parametrize("arguments", ["IP", "IP=x", "IP=10.1.0.9;", "A=b", "A=b;IgnoreUnknown=maybe"])
def test_cni_args_that_cannot_be_read_are_refused(ours: Plugin, tmp_path: Path, arguments: str) -> None:
    assert ours.code("ADD", network(tmp_path, FOUR), environ={"CNI_ARGS": arguments}) == 999


@pytest.mark.parametrize(
    ("command", "version", "code"),
    [
        ("CHECK", "0.3.1", 1),
        ("GC", "1.0.0", 1),
        ("STATUS", "1.0.0", 1),
        ("CHECK", "0.5.0", 1),
        ("CHECK", "one", 6),
        ("CHECK", "1.1.0.0", 6),
        ("ADD", "one", 1),
        ("ADD", "0.2.1", 1),
    ],
)
def test_a_command_that_the_version_does_not_know_is_refused(
    ours: Plugin, tmp_path: Path, command: str, version: str, code: int
) -> None:
    assert ours.code(command, network(tmp_path, FOUR, version=version)) == code


def test_the_oldest_versions_know_one_address_of_a_family(ours: Plugin, tmp_path: Path) -> None:
    asked = network(tmp_path, FOUR, {"subnet": "10.2.0.0/24"}, version="0.2.0")
    assert ours.code("ADD", asked) == 999


def test_the_plugins_own_network_namespace_is_refused(ours: Plugin, tmp_path: Path) -> None:
    own = "/proc/self/ns/net"
    if not Path(own).exists():
        pytest.skip("needs network namespaces, which Linux has")
    asked = network(tmp_path, FOUR)
    assert ours.code("ADD", asked, environ={"CNI_NETNS": own}) == 8
    assert list(tmp_path.iterdir()) == []
    ours("ADD", asked, environ={"CNI_NETNS": own, "CNI_NETNS_OVERRIDE": "true"})
    assert ours.code("DEL", asked, environ={"CNI_NETNS": own}) == 8
    assert leases(tmp_path) == {}


def test_a_closed_standard_input_is_an_error_of_reading(ours: Plugin) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" <&-', ours.path],
        env=environment("ADD"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, json.loads(done.stdout)["code"], done.stderr) == (1, 5, "")


# Many at once, any umask, any user


def test_a_plain_user_needs_only_a_folder(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root, to become another user")
    python, _ = python_of_all()
    with public_folder(NOBODY) as root:
        plugin = Plugin(write_plugin(root / "bin", *python), NOBODY)
        os.chown(root / "bin", NOBODY, NOBODY)
        asked = network(root / "data", FOUR)
        assert addresses(plugin("ADD", asked)) == ["10.1.0.2/24"]
        for command in ("CHECK", "STATUS", "DEL"):
            plugin(command, asked)
        locked = root / "data" / "net" / "lock"
        os.chown(locked, 0, 0)
        locked.chmod(0o600)
        forbidden = root / "of root"
        (forbidden / "data").mkdir(parents=True)
        forbidden.chmod(0o700)
        for folder in (root / "data", forbidden / "data", Path("/proc")):
            assert plugin.code("STATUS", network(folder, FOUR)) == 50
            assert plugin.code("ADD", network(folder, FOUR)) == 999


def test_what_another_user_reserved_is_taken(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root, to become another user")
    python, _ = python_of_all()
    with public_folder(NOBODY) as root:
        plugin = Plugin(write_plugin(root / "bin", *python), NOBODY)
        os.chown(root / "bin", NOBODY, NOBODY)
        asked = network(root / "data", FOUR)
        plugin("ADD", asked)
        lease = root / "data" / "net" / "10.1.0.3"
        lease.write_bytes(b"c2\r\neth0")
        lease.chmod(0o600)
        assert addresses(plugin("ADD", asked, "c3")) == ["10.1.0.4/24"]
        plugin("GC", asked | {"cni.dev/valid-attachments": []})
        assert leases(root / "data") == {"10.1.0.3": "c2\r\neth0"}


def test_50_at_once_get_50_addresses(ours: Plugin, tmp_path: Path) -> None:
    answers = at_once([ours], network(tmp_path, FOUR), 50)
    assert len({address for answer in answers for address in addresses(answer)}) == 50
    assert len(leases(tmp_path)) == 50


def test_of_24_at_once_for_20_addresses_4_are_refused(ours: Plugin, tmp_path: Path) -> None:
    asked = network(tmp_path, FOUR | {"rangeStart": "10.1.0.11", "rangeEnd": "10.1.0.30"})
    answers = at_once([ours], asked, 24)
    assert len({answer["ips"][0]["address"] for answer in answers if "ips" in answer}) == 20
    assert [answer["code"] for answer in answers if "ips" not in answer] == [999] * 4


def test_whatever_the_umask_nobody_else_may_write(ours: Plugin, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ours("ADD", network(tmp_path / "a" / "b", FOUR))
    finally:
        os.umask(before)
    made = [tmp_path / "a", *(tmp_path / "a").rglob("*")]
    assert [path for path in made if path.stat().st_mode & 0o022] == []


@pytest.mark.parametrize("minor", range(10, 15))
def test_it_runs_on_each_python_that_sandkube_supports(ours: Plugin, tmp_path: Path, minor: int) -> None:
    python = shutil.which(f"python3.{minor}") or "/nowhere"
    asked = ["-c", "import sys; print(sys.executable)"]  # what PATH has may be a script that chooses
    try:
        said = subprocess.run([python, *asked], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"needs python3.{minor} on PATH")
    done = subprocess.run(
        [said, "-IS", "-W", "error", ours.path],
        input=json.dumps(network(tmp_path, FOUR)),
        env=environment("ADD"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert addresses(json.loads(done.stdout)) == ["10.1.0.2/24"]
