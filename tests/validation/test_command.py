"""`sandkube validate` as a person types it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from command_line import Sandkube, until
from validation.texts import SOUND, TYPO

# What nobody may change.
PATHS = ("/api/v1/configmaps", "/api/v1/namespaces", "/apis/apps/v1/deployments", "/api/v1/events")


@pytest.fixture
def files(sandkube: Sandkube) -> Path:
    (sandkube.home / "sound.yaml").write_text(SOUND)
    (sandkube.home / "typo.yaml").write_text(TYPO)
    return sandkube.home


@pytest.mark.usefixtures("files")
def test_a_sound_file(sandkube: Sandkube) -> None:
    done = sandkube("validate", "sound.yaml")
    assert done.stdout.startswith("1 object in 1 file: ")
    assert "(Kubernetes v1.37" in done.stdout
    assert done.stderr == ""
    assert not sandkube.servers()
    assert not list(sandkube.state.glob("clusters/*/"))


@pytest.mark.usefixtures("files")
def test_every_fault_of_a_document_at_its_line(sandkube: Sandkube) -> None:
    done = sandkube("validate", "typo.yaml", status=1)
    assert (
        "typo.yaml:6:13: error: `replicas` has to be a whole number, and is the text `many`." in done.stdout
    )
    assert "typo.yaml:15:9: error: There is no field `imagee`" in done.stdout
    assert "hint: did you mean `image`?" in done.stdout
    assert "        imagee: nginx\n" in done.stdout
    assert "[wrong-type]" in done.stdout


@pytest.mark.usefixtures("files")
def test_standard_input_and_two_paths(sandkube: Sandkube) -> None:
    done = sandkube("validate", "-", "sound.yaml", status=1, stdin=SOUND.replace("one", "ONE"))
    assert "standard input:3:18: error: `name`: " in done.stdout
    assert "2 objects in 2 files: 1 error" in done.stdout


@pytest.mark.usefixtures("files")
def test_reports_into_files(sandkube: Sandkube) -> None:
    forms = ("json", "junit", "sarif", "github", "html", "text")
    reports = [f"--report={form}=out/report.{form}" for form in forms]
    done = sandkube("validate", "typo.yaml", "-o", "json", *reports, status=1)
    printed = json.loads(done.stdout)
    out = sandkube.home / "out"
    assert json.loads((out / "report.json").read_text())["findings"] == printed["findings"]
    assert {one["code"] for one in printed["findings"]} >= {"wrong-type", "unknown-field"}
    assert json.loads((out / "report.sarif").read_text())["version"] == "2.1.0"
    assert ET.fromstring((out / "report.junit").read_text()).tag == "testsuites"
    assert (out / "report.github").read_text().startswith("::error file=typo.yaml,line=6,")
    assert "imagee" in (out / "report.html").read_text()


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.yaml"], "There is no `absent.yaml`."),
        ([], "There is nothing to validate."),
        (["sound.yaml", "--report", "pdf=x"], "`--report pdf=x` is not of the form FORMAT=FILE."),
        (["sound.yaml", "--report", "sarif=."], "`--report sarif=.`: `.` is in the way."),
        (["sound.yaml", "--report", "json=sound.yaml/a/b"], "sound.yaml` is in the way."),
        (["sound.yaml", "--ignore", "unknown-feild"], "did you mean `unknown-field`?"),
        (["sound.yaml", "--values", "sound.yaml"], "`--values` is for charts"),
        (["sound.yaml", "--cluster", "a", "--context", "b"], "name two control planes"),
        (["sound.yaml", "--cluster", "absent"], "`absent`"),
        (["sound.yaml", "--context", "absent"], "absent"),
        (["sound.yaml", "-n", "Bad NS"], "Bad NS"),
        (["sound.yaml", "--settle", "nan"], "nan"),
        (["-"], "Standard input holds nothing."),
        (["sound.yaml", "--baseline", "absent.json"], "absent.json"),
        (["sound.yaml", "--upgrade-from", "absent"], "neither a path nor a revision"),
    ],
)
def test_what_could_not_be_judged(sandkube: Sandkube, arguments: list[str], said: str) -> None:
    done = sandkube("validate", *arguments, status=2)
    assert said in done.stderr
    assert done.stdout == ""
    assert not sandkube.servers()


def test_a_name_that_yaml_reads_otherwise(sandkube: Sandkube) -> None:
    (sandkube.home / "axes.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: axes}\ndata:\n  n: 5\n"
    )
    done = sandkube("validate", "axes.yaml", status=1)
    assert (
        'hint: put it in quotes: "5"; YAML 1.1 reads the name n as false: put it in quotes, "n"'
        in done.stdout
    )


def test_settings_in_a_file(sandkube: Sandkube, files: Path) -> None:
    (files / "sandkube.toml").write_text(
        '[validate]\npaths = ["typo.yaml"]\nignore = ["wrong-type", "unknown-field"]\n'
    )
    sandkube("validate", "--no-config", "typo.yaml", status=1)
    done = sandkube("validate", status=1)  # an image is missing as well
    assert "[required]" in done.stdout
    assert "[wrong-type]" not in done.stdout


@pytest.mark.usefixtures("files")
def test_a_baseline(sandkube: Sandkube) -> None:
    sandkube("validate", "typo.yaml", "--baseline", "known.json", "--update-baseline")
    sandkube("validate", "typo.yaml", "--baseline", "known.json")
    done = sandkube("validate", "sound.yaml", "--baseline", "known.json")
    assert "did not occur" in done.stderr


@pytest.mark.parametrize(
    ("number", "path"),
    [
        (signal.SIGINT, "many.yaml"),
        (signal.SIGTERM, "many.yaml"),
        (signal.SIGKILL, "many.yaml"),
        (signal.SIGINT, "pipe"),  # to which nobody ever writes
    ],
)
def test_nothing_is_left_running(sandkube: Sandkube, files: Path, number: signal.Signals, path: str) -> None:
    os.mkfifo(files / "pipe")
    (files / "many.yaml").write_text("---\n".join(SOUND.replace("one", f"n{n}") for n in range(2000)))
    popen = sandkube.start("validate", path)
    until(sandkube.servers)
    os.kill(popen.pid, number)
    _, said = popen.communicate(timeout=60)
    until(lambda: not sandkube.servers())
    assert "Traceback" not in said
    if number != signal.SIGKILL:
        assert popen.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
        assert not list(sandkube.state.glob("clusters/*/"))


def test_a_cluster_of_the_persons_own_is_not_changed(sandkube: Sandkube, files: Path) -> None:
    sandkube("up", "mine")
    sandkube("--cluster", "mine", "kubectl", "create", "configmap", "one")
    kubeconfig = sandkube.folder("mine").kubeconfig
    (files / "kube.yaml").write_bytes(kubeconfig.read_bytes())
    api = sandkube.api("mine")

    def everything() -> dict[str, str]:
        found = {}
        for path in (
            "/api/v1/configmaps",
            "/api/v1/namespaces",
            "/apis/apps/v1/deployments",
            "/api/v1/events",
        ):
            for one in api("GET", path)[1]["items"]:
                found[one["metadata"]["uid"]] = one["metadata"]["resourceVersion"]
        return found

    before, text = everything(), (files / "kube.yaml").read_bytes()
    mine = {"KUBECONFIG": str(files / "kube.yaml")}
    (files / "changed.yaml").write_text(SOUND.replace("b}", "c}"))
    sandkube("validate", "changed.yaml", "--cluster", "mine")
    sandkube("validate", "changed.yaml", "--context", "sandkube-mine", environ=mine)
    for where in (["--cluster", "mine"], ["--context", "sandkube-mine"], []):
        done = sandkube("validate", "typo.yaml", *where, status=1, environ=mine)
        assert "imagee" in done.stdout
    assert everything() == before
    assert (files / "kube.yaml").read_bytes() == text


def test_a_change_of_what_is_there_at_a_revision(sandkube: Sandkube, files: Path) -> None:
    job = (
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec:\n  completions: 1\n  template:\n"
        "    spec:\n      restartPolicy: Never\n      containers: [{name: a, image: a}]\n"
    )
    (files / "set").mkdir()
    (files / "set" / "job.yaml").write_text(job)
    sandkube.shell(
        "git init -q . && git add set && git -c user.name=x -c user.email=x@example.com commit -qm one"
    )
    sandkube("validate", "set", "--upgrade-from", "HEAD")
    (files / "set" / "job.yaml").write_text(job.replace("image: a", "image: b"))
    done = sandkube("validate", "set", "--upgrade-from", "HEAD", status=1)
    assert "[immutable-field]" in done.stdout
    assert "set/job.yaml:9:37: error: `template`: field is immutable" in done.stdout
    sandkube("validate", "set")
