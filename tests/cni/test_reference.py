"""Our plugin beside the CNI project's own: the same answers and the same folders, and either takes over."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cni.calls import PATIENCE, Plugin, addresses, at_once, environment, leases, network
from lengths import LONG

# Building is not counted.
pytestmark = pytest.mark.timeout(900, func_only=True)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cni-plugin.md"
FIVE = {"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.11", "rangeEnd": "10.1.0.15"}


SEQUENCES = 200 if LONG else 50


@pytest.fixture(scope="module")
def compared(programs: Path, ours: Plugin) -> str:
    """What comes of the generated sequences."""
    plugins = ["-upstream", str(programs / "upstream"), "-ours", str(ours.path.parent)]
    done = subprocess.run(
        [str(programs / "reference"), "-sequences", str(SEQUENCES), *plugins],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_generated_sequences_go_the_same_way(compared: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{compared}", end="")
    assert compared.startswith("upstream: CNI host-local plugin v1.9.1\n")
    assert f"\n{SEQUENCES} generated sequences" in compared


@pytest.mark.slow
def test_every_difference_is_argued_in_the_documents(compared: str) -> None:
    lines = [line for line in compared.splitlines() if "listed difference" in line]
    names = [line.split("times: ")[1] for line in lines]
    text = " ".join(DOCUMENT.read_text(encoding="utf-8").replace("`", "").split())
    assert len(names) > 1
    assert [name for name in names if name.split("; ")[0] not in text] == []


def test_without_a_command_both_say_what_they_are_and_succeed(ours: Plugin, upstream: Plugin) -> None:
    for plugin in (ours, upstream):
        done = plugin.run("", {})
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.startswith("CNI host-local plugin ")


def test_50_at_once_half_ours_half_upstreams_get_50_addresses(
    ours: Plugin, upstream: Plugin, tmp_path: Path
) -> None:
    asked = network(tmp_path, {"subnet": "10.1.0.0/24"})
    answers = at_once([ours, upstream], asked, 50)
    assert len({address for answer in answers for address in addresses(answer)}) == 50
    assert len(set(leases(tmp_path).values())) == 50


@pytest.mark.parametrize("first", ["ours", "upstream"])
def test_either_goes_on_with_the_folder_of_the_other(
    first: str, ours: Plugin, upstream: Plugin, tmp_path: Path
) -> None:
    one, other = (ours, upstream) if first == "ours" else (upstream, ours)
    asked = network(tmp_path, FIVE, {"subnet": "fd00::/120"})
    assert addresses(one("ADD", asked, "c1")) == ["10.1.0.11/24", "fd00::2/120"]
    other("CHECK", asked, "c1")
    assert addresses(other("ADD", asked, "c2")) == ["10.1.0.12/24", "fd00::3/120"]
    assert other("ADD", asked, "c1", status=1)["code"] == 999
    other("DEL", asked, "c1")
    assert one("CHECK", asked, "c1", status=1)["code"] == 999
    one("DEL", asked, "c2")
    assert leases(tmp_path) == {}


# Ends its process by `kill -9` before the n-th thing that the plugin does in the folder. What it does there
# is what Python announces to its audit hooks.
KILLED = """
import os, runpy, signal, sys
left, folder, plugin = int(sys.argv[1]), sys.argv[2], sys.argv[3]
def hook(event, arguments):
    global left
    if event in ("os.mkdir", "open", "os.rename", "os.remove", "os.listdir") and folder in str(arguments):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
runpy.run_path(plugin, run_name="__main__")
"""


def kill_at(moment: int, folder: Path, plugin: Plugin, asked: str) -> bool:
    """An ADD for `killed` that is killed at this moment; whether it was, or there is no such moment."""
    done = subprocess.run(
        [sys.executable, "-IS", "-c", KILLED, str(moment), str(folder), str(plugin.path)],
        input=asked,
        env=environment("ADD", "killed"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode in (0, -9), done
    return done.returncode == -9


@pytest.mark.parametrize("heir", ["ours", "upstream"])
def test_killed_at_any_moment_it_leaves_a_folder_that_both_can_use(
    heir: str, request: pytest.FixtureRequest, ours: Plugin, upstream: Plugin, tmp_path: Path
) -> None:
    plugin: Plugin = request.getfixturevalue(heir)
    moment = 0
    while True:
        moment += 1
        folder = tmp_path / str(moment)
        asked = network(folder, FIVE)
        killed = kill_at(moment, folder, ours, json.dumps(asked))
        assert set(leases(folder).values() if (folder / "net").exists() else ()) <= {"killed\r\neth0"}
        plugin("DEL", asked, "killed")  # as a runtime does after an ADD that failed
        given = {addresses(plugin("ADD", asked, f"c{n}"))[0] for n in range(5)}
        assert len(given) == 5
        if not killed:
            break
    assert moment > 6  # folder, lock, what is there, what was last, lease, last address
