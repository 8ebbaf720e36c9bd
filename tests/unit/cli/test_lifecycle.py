"""up, down, status, list, delete, as they are typed, with a stand-in for the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandkube import cluster
from sandkube.cli import up as up_module
from unit.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("stand_in")


def test_a_life(run: Run) -> None:
    done = run("up")
    assert done.status == 0
    assert done.out == ""
    assert "Cluster `default` is Ready after" in done.err
    assert [line.split()[-1] for line in done.err.splitlines()[-3:]] == ['env)"', "namespaces", "down"]
    assert run("up").err.startswith("Cluster `default` is running already: https://127.0.0.1:")
    assert run("status").status == 0
    assert "stopped after" in run("down").err
    assert "was not running" in run("down").err
    assert run("status").status == 1
    assert "is deleted" in run("delete").err
    assert run("status").status == 2


def test_quiet_is_quiet(run: Run) -> None:
    for command in ("up", "down", "delete"):
        assert run(command, "--quiet").err == ""


def test_which_cluster(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDKUBE_CLUSTER", "one")
    run("up")
    run("--cluster", "two", "up")
    run("--cluster", "two", "up", "three")
    assert [found.name for found in cluster.list_clusters()] == ["one", "three", "two"]


def test_options_by_variables(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDKUBE_DURABILITY", "full")
    monkeypatch.setenv("SANDKUBE_SCHEDULER_ARG", "--v=4 --kube-api-qps=7")
    run("up")
    assert cluster.status("default").durability == "full"
    told = json.loads(cluster.folder_of("default").server_config.read_text())
    assert told["scheduler"][-2:] == ["--v=4", "--kube-api-qps=7"]


def test_arguments_are_kept_until_they_are_taken_back(run: Run) -> None:
    def told() -> bool:
        return "--v=4" in json.loads(cluster.folder_of("default").server_config.read_text())["api_server"]

    run("up", "--api-server-arg=v=4")
    run("down")
    run("up")
    assert told()
    run("down")
    run("up", "--api-server-arg=")
    assert not told()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--foreground", "--dry-run"], "exclude"),
        (["--wait=-1"], "negative"),
        (["--wait=0", "--apply=-"], "--apply needs"),
        (["--apply="], "--apply needs the path"),
        (["--apply=/no/such/file"], "no `/no/such/file`"),
        (["--port=-1"], "between 1 and 65535"),
        (["Name"], "cannot be the name"),
        (["--durability=some"], "some"),
    ],
)
def test_what_makes_no_sense(run: Run, arguments: list[str], words: str) -> None:
    done = run("up", *arguments)
    assert done.status == 2
    assert words in done.err
    assert cluster.list_clusters() == []


def test_a_failure_shows_the_tail(run: Run) -> None:
    done = run("up", "--api-server-arg=stand-in=panics")
    assert done.status == 2
    assert "error: Cluster `default` did not start" in done.err
    assert "  | panic: the stand-in was told to" in done.err


def test_apply_comes_after_ready(run: Run, stand_in: Path, tmp_path: Path) -> None:
    lines = stand_in.read_text().splitlines()
    lines[1:1] = ['case "$0" in */kubectl) echo "kubectl $*"; [ "${3##*/}" != bad.yaml ]; exit;; esac']
    stand_in.write_text("\n".join(lines))
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.touch()
    bad.touch()
    done = run("up", f"--apply={good}", f"--apply={bad}")
    assert done.status == 2
    assert done.out == ""
    told = [line for line in done.err.splitlines() if line.startswith("kubectl apply")]
    assert told == [f"kubectl apply -f {good}", f"kubectl apply -f {bad}"]
    assert f"`{bad}` could not be applied. Cluster `default` is running." in done.err
    assert cluster.status("default").running


def test_what_cannot_be_applied_ends_the_foreground(run: Run, stand_in: Path, tmp_path: Path) -> None:
    lines = stand_in.read_text().splitlines()
    lines[1:1] = ['case "$0" in */kubectl) exit 1;; esac']
    stand_in.write_text("\n".join(lines))
    done = run("up", "--foreground", f"--apply={tmp_path}")
    assert "could not be applied, so cluster `default` was stopped." in done.err
    assert "hint:" not in done.err
    assert not cluster.status("default").running


def test_a_folder_with_a_kustomization_is_built(tmp_path: Path) -> None:
    assert up_module.apply_arguments(str(tmp_path)) == ["apply", "-f", str(tmp_path)]
    (tmp_path / "kustomization.yaml").touch()
    assert up_module.apply_arguments(str(tmp_path)) == ["apply", "-k", str(tmp_path)]
    assert up_module.apply_arguments("-") == ["apply", "-f", "-"]


def test_what_comes_next_names_another_cluster() -> None:
    assert up_module.next_lines("demo", "uv run sandkube") == [
        'eval "$(uv run sandkube env demo)"',
        "kubectl get namespaces",
        "sandkube down demo",
    ]


def test_a_dry_run_prints_a_script(run: Run) -> None:
    done = run("up", "--dry-run")
    assert done.out.startswith("#!/bin/sh\n")
    assert "Nothing was started" in done.err
    assert run("status").status == 1


def test_status_as_json(run: Run) -> None:
    run("up", "demo")
    document = json.loads(run("status", "demo", "-o", "json").out)
    assert document["version"] == 1
    assert (document["name"], document["state"]) == ("demo", "running")
    assert document["url"] == f"https://127.0.0.1:{document['port']}"
    assert document["kubeconfig"].endswith("/demo/kubeconfig")


def test_status_of_one_that_crashed(run: Run) -> None:
    run("up")
    run("down")
    run("up", "--api-server-arg=stand-in=dies")
    said = run("status").out
    assert "state:         crashed" in said
    assert "reason:        api-server: the stand-in was told to" in said
    assert "\n  | I" in said


def test_list(run: Run) -> None:
    assert "no clusters" in run("list").err
    assert json.loads(run("list", "-o", "json").out) == {"version": 1, "clusters": []}
    run("up", "demo")
    cluster.folder_of("broken").create()
    cluster.folder_of("broken").spec.write_text("{")
    rows = [line.split() for line in run("list").out.splitlines()]
    assert rows[0] == ["NAME", "STATE", "PORT", "PID", "DURABILITY"]
    assert [row[:2] for row in rows[1:]] == [["broken", "unreadable"], ["demo", "running"]]
    assert [one["name"] for one in json.loads(run("list", "-o", "json").out)["clusters"]] == [
        "broken",
        "demo",
    ]


def test_without_a_terminal_each_step_is_a_line(run: Run) -> None:
    lines = run("up").err.splitlines()
    assert "Making certificates" in lines
    assert "Starting the server" in lines
    assert not any("\x1b" in line or "\r" in line for line in lines)


def test_on_a_terminal_the_steps_leave_nothing(stand_in: Path) -> None:
    import os
    import pty

    main, other = pty.openpty()
    with subprocess.Popen([sys.executable, "-m", "sandkube", "up"], stderr=other, stdout=other) as command:
        os.close(other)
        said = b""
        try:
            while part := os.read(main, 4096):
                said += part
        except OSError:  # the end of a terminal
            pass
    os.close(main)
    assert command.returncode == 0
    assert b"Cluster `default` is Ready" in said
    assert b"\x1b[?25h" in said  # the cursor is shown again


def test_a_start_goes_on_where_nobody_reads_what_it_tells(stand_in: Path) -> None:
    read_fd, write_fd = os.pipe()
    os.close(read_fd)
    done = subprocess.run([sys.executable, "-m", "sandkube", "up", "demo"], stderr=write_fd, check=False)
    os.close(write_fd)
    assert done.returncode == 0
    assert cluster.status("demo").running


@pytest.mark.parametrize(("before", "status"), [("", 129), ("trap '' HUP; ", 0)])
def test_a_terminal_that_goes_away(stand_in: Path, before: str, status: int) -> None:
    code = (
        "import os, signal, click; from sandkube.cli.run import run\n"
        "run(click.Command('x', callback=lambda: os.kill(os.getpid(), signal.SIGHUP)))"
    )
    command = f"{before}exec '{sys.executable}' -c \"{code}\""
    assert subprocess.run(["sh", "-c", command], check=False).returncode == status
