"""A state folder that cannot be written to, and one without space."""

from __future__ import annotations

import os
import subprocess

import pytest

from command_line import Sandkube
from lengths import some_of


def in_mount_namespace(sandkube: Sandkube, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell's script where mounts are seen by nobody else; $STATE is the state folder."""
    if (
        os.getuid() != 0
        or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs root and `unshare -m`, to mount a file system")
    sandkube.state.mkdir(mode=0o700)
    words = " ".join(f"'{word}'" for word in sandkube.command)
    head = f"set -u; STATE='{sandkube.state}'; sandkube() {{ {words} \"$@\"; }}\n"
    return sandkube.run(["unshare", "-m", "--propagation", "private", "sh", "-c", head + script])


def test_read_only(sandkube: Sandkube) -> None:
    done = in_mount_namespace(
        sandkube,
        """
        sandkube up -q --durability fast && sandkube down -q
        mount --bind "$STATE" "$STATE" && mount -o remount,ro,bind "$STATE"
        for command in up "up other" down delete; do
            sandkube $command && echo "$command worked"
            [ $? = 2 ] || echo "$command ended with another status"
        done
        sandkube status
        sandkube list
        mount -o remount,rw,bind "$STATE"
        sandkube up -q && sandkube delete -q && echo in the end it works
        """,
    )
    assert done.stderr.count("it is on a read-only file system") == 4, done.stderr
    assert done.stderr.count("hint: mend that, or name another folder") == 4
    assert "state:         stopped" in done.stdout
    assert done.stdout.rstrip().endswith("in the end it works")
    assert "worked\n" not in done.stdout
    assert "another status" not in done.stdout


def test_no_rights(as_nobody: Sandkube) -> None:
    as_nobody("up", "--durability", "fast")
    as_nobody("down")
    clusters = as_nobody.state / "clusters"
    for mode, commands in (
        (0o500, ("delete", "up other")),
        (0o000, ("up", "status", "list", "down", "logs")),
    ):
        clusters.chmod(mode)
        for command in commands:
            assert "permission denied" in as_nobody(*command.split(), status=2).stderr
    clusters.chmod(0o700)
    as_nobody("up")


def test_no_space_at_the_first_start(sandkube: Sandkube) -> None:
    """The size at which it fails is one of many: each must be told, and space alone mends it."""
    sizes = some_of(["20k", "40k", "100k", "500k"], "20k", "500k")
    sandkube.environ["SIZES"] = " ".join(sizes)
    done = in_mount_namespace(
        sandkube,
        """
        mount -t tmpfs -o size=4k,mode=0700 none "$STATE"
        for size in $SIZES; do
            mount -o remount,size=$size "$STATE"
            sandkube up --wait 5
            echo "$size: $?"
        done
        mount -o remount,size=100m "$STATE"
        sandkube up -q && sandkube kubectl get --raw /readyz && sandkube delete -q && echo " in the end"
        """,
    )
    expected = "".join(f"{size}: 2\n" for size in sizes)
    assert done.stdout == f"{expected}ok in the end\n", done.stdout + done.stderr
    said = done.stderr.count("no space is left on the device") + done.stderr.count("hint: make space on")
    assert said == len(sizes), done.stderr


def test_no_space_while_it_runs(sandkube: Sandkube) -> None:
    """Writes are refused, reads go on, nothing breaks; with space again, writes work."""
    done = in_mount_namespace(
        sandkube,
        """
        mount -t tmpfs -o size=64m,mode=0700 none "$STATE"
        sandkube up -q
        sandkube kubectl create configmap before
        dd if=/dev/zero of="$STATE/ballast" bs=64k 2>"$HOME/dd"
        head -c 900000 /dev/zero | tr '\\0' x >"$HOME/value"
        for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            sandkube kubectl create configmap full-$i --from-file="$HOME/value" -o name || break
        done >"$HOME/created"
        sandkube kubectl label configmap before full=yes --request-timeout=20s && echo labelled
        sandkube kubectl delete configmap before --request-timeout=20s --wait=false && echo deleted
        [ $i = 20 ] || echo refused
        sandkube kubectl get configmap before -o name
        rm "$STATE/ballast"
        sandkube kubectl create configmap after
        while read name; do
            sandkube kubectl get $name -o name || echo $name is lost
        done <"$HOME/created" >&2
        sandkube down -q && sandkube up -q
        sandkube kubectl get configmap before after -o name
        dd if=/dev/zero of="$STATE/ballast" bs=64k 2>"$HOME/dd"
        sandkube down
        echo "down: $?"
        dd if=/dev/zero of="$STATE/more" bs=1k 2>"$HOME/dd"
        sandkube up
        echo "up: $?"
        rm "$STATE/ballast" "$STATE/more"
        sandkube up -q
        sandkube kubectl get configmap before after -o name
        sandkube delete -q
        """,
    )
    assert done.stdout == (
        "configmap/before created\nrefused\nconfigmap/before\nconfigmap/after created\n"
        "configmap/before\nconfigmap/after\ndown: 0\nup: 2\nconfigmap/before\nconfigmap/after\n"
    ), done.stdout + done.stderr
    assert "is lost" not in done.stderr
    assert "is there space on its disk?" in done.stderr
    last = done.stderr[done.stderr.rindex("error:") :]
    assert "no space is left on the device" in last or "hint: make space on the disk" in last, last


def test_what_is_printed_to_a_full_disk(sandkube: Sandkube) -> None:
    done = sandkube.shell("sandkube version >/dev/full", status=2)
    assert "What this command prints cannot be written: No space left on device." in done.stderr
    assert "fault in sandkube" not in done.stderr
