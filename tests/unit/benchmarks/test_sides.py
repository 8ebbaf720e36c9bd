"""What the sides of a comparison are started with, and what is read of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from measuring import api, peers, processes, sides
from measuring.report import CannotMeasureError

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = {
    "datastore": {"path": "/c/db/state.db"},
    "listener": {"address": "127.0.0.1:4000"},
    "api_server": ["--secure-port=4000", "--tls-cert-file=/c/pki/apiserver.crt"],
    "controller_manager": ["--kube-api-qps=1000", "--leader-elect=false"],
    "scheduler": ["--kube-api-qps=1000"],
}


def _side(name: str, durability: str = "fast") -> sides.Side:
    return sides.Side(name, Path("/c"), DOCUMENT, Path("/s"), peers.Binaries(Path("/b")), durability)


def test_others_get_the_flags_that_ours_gets() -> None:
    commands = _side(sides.FOUR).commands()
    assert list(commands) == ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
    assert commands["kube-apiserver"][2:] == DOCUMENT["api_server"]
    assert commands["kube-controller-manager"][1:] == DOCUMENT["controller_manager"]
    assert commands["kube-scheduler"][1:] == DOCUMENT["scheduler"]
    (client,) = [word for word in commands["etcd"] if word.startswith("--listen-client-urls=")]
    assert commands["kube-apiserver"][1] == client.replace("--listen-client-urls", "--etcd-servers")


def test_envtest_has_no_controllers_and_no_service_account_admission() -> None:
    commands = _side(sides.ENVTEST).commands()
    assert list(commands) == ["etcd", "kube-apiserver"]
    assert commands["kube-apiserver"][-1] == "--disable-admission-plugins=ServiceAccount"


@pytest.mark.parametrize(("durability", "expected"), [("fast", True), ("normal", False), ("full", False)])
def test_etcd_syncs_where_ours_does(durability: str, *, expected: bool) -> None:
    assert ("--unsafe-no-fsync" in _side(sides.FOUR, durability).commands()["etcd"]) is expected
    assert ("--unsafe-no-fsync" in sides.classes(durability)) is expected
    assert ("not the same class" in sides.classes(durability)) is (durability == "normal")


def test_command_lines_are_shown_without_folders() -> None:
    shown = sides.shown({"kube-apiserver": ["/b/kube-apiserver", "--tls-cert-file=/c/pki/a.crt"]}, Path("/c"))
    assert shown == ["kube-apiserver --tls-cert-file=pki/a.crt"]


def test_the_script_of_a_dry_run_is_understood() -> None:
    document = '{"datastore": {"socket": "$socket"}, "listener": {}}'
    script = f"#!/bin/sh\ncat >server.json <<END\n{document}\nEND\nexec x\n"
    assert sides.parse_script(script, Path("/c"))["datastore"]["socket"] == "/c/db/kine.sock"
    with pytest.raises(CannotMeasureError, match=r"server\.json"):
        sides.parse_script("#!/bin/sh\n", Path("/c"))


def test_memory_is_read_and_summed() -> None:
    lines = (
        "5-7 ---p 0 00:00 0 [rollup]",
        "Rss: 4096 kB",
        "Pss: 3072 kB",
        "Pss_Anon: 1 kB",
        "Anonymous: 2048 kB",
    )
    text = "\n".join(lines)
    found = processes.parse_maps(text)
    assert found == processes.Memory(4.0, 3.0, 2.0)
    assert found + found == processes.Memory(8.0, 6.0, 4.0)
    assert found + processes.Memory(1.0, None, 1.0) == processes.Memory(5.0, None, 3.0)
    assert processes.parse_maps(f"{text}\nVmFlags: rd\n{text}") == found + found


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="this kernel has no smaps_rollup")
def test_a_process_that_runs_is_measured() -> None:
    hungry = "import sys; x = b'x' * 2**25; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hungry], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = processes.memory([child.pid])
        both = processes.memory([child.pid, os.getpid()])
        assert found.anonymous is not None
        assert 32 <= found.anonymous <= found.rss < both.rss
        assert processes.descriptors([child.pid]) >= 3
        assert processes.cpu_seconds([child.pid]) >= 0
        child.communicate(b"")


def test_a_metric_is_summed_over_its_labels() -> None:
    text = '# HELP go_goroutines n\ngo_goroutines 12\nfds{a="x"} 1.5\nfds{a="y"} 2\ngo_goroutines_more 7\n'
    assert api.metric(text, "go_goroutines") == 12
    assert api.metric(text, "fds") == 3.5
    assert str(api.metric(text, "none")) == "nan"


def _versions(go_mod: Path) -> dict[str, str]:
    text = go_mod.read_text(encoding="utf-8")
    return dict(re.findall(r"^\t(\S+) (v\S+)(?: // indirect)?$", text, re.MULTILINE))


def _replaced(go_mod: Path) -> list[str]:
    return sorted(re.findall(r"^\t(\S+ => \S+ v\S+)$", go_mod.read_text(encoding="utf-8"), re.MULTILINE))


def test_peers_are_made_of_the_same_versions_as_the_server() -> None:
    """Otherwise another Kubernetes would be compared, and nothing of the build cache would serve."""
    ours, theirs = ROOT / "server" / "go.mod", ROOT / "benchmarks" / "peers" / "go.mod"
    known, found = _versions(ours), _versions(theirs)
    assert found["k8s.io/kubernetes"] == known["k8s.io/kubernetes"]
    differing = {name for name, version in found.items() if known.get(name, version) != version}
    assert differing == set()
    assert _replaced(theirs) == _replaced(ours)
