"""The step of a GitHub Actions workflow."""

from __future__ import annotations

import random

import pytest
import yaml

from sandkube.errors import EditFailed
from sandkube.setup.github import GitHub
from sandkube.setup.host import Content
from sandkube.setup.yamltext import plain

HOST = GitHub()
WORKFLOW = """\
# what runs on each push
on: [push]   # and nothing else

jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - run: "true"
  test:
    runs-on: ubuntu-latest
    steps:
      # the source
      - name: Check out
        uses: actions/checkout@v4 # pinned
        with:
          fetch-depth: 0   # all of it

      # then the tests
      - run: |
          make test

"""


def add(text: str, host: GitHub = HOST) -> str:
    after = host.added(Content(text)).text
    assert after is not None
    return after


def test_the_piece_is_a_step() -> None:
    [step] = yaml.safe_load(HOST.piece())
    assert step["uses"].startswith("sandkube/sandkube@v")


def test_it_goes_behind_the_checkout() -> None:
    after = add(WORKFLOW)
    assert after.splitlines()[15:17] == [
        "          fetch-depth: 0   # all of it",
        f"      {HOST.piece().rstrip()}",
    ]
    assert HOST.removed(Content(after)) == Content(WORKFLOW)
    assert add(after) == after


CHECKOUTS = (
    "- uses: actions/checkout@v4",
    "- uses: actions/checkout@v4 # here",
    "- name: Get it\n  uses: 'actions/checkout@v4'\n  with:\n    path: src",
    "- {uses: actions/checkout@v4, with: {path: src}}",
    "- uses: actions/checkout@v4\n  with:\n    sparse-checkout: |\n      a\n      b\n\n",
    "- uses: actions/checkout@v4\n  with:\n    sparse-checkout: |-\n      a\n    path: >\n      b\n",
    "-\n  uses: actions/checkout@v4",
    '- uses: "actions/checkout@v4"\n  if: "a\n    and b"',
    "- uses: actions/checkout@v4\n  with: {}\n  env:",
    "-   uses: actions/checkout@v4\n    with: # nothing\n",
)
OTHERS = ("- run: make", "# a comment", "", "- name: x\n  run: |\n    a: b\n    # c\n\n", "- run: 'x'  # y")


def draw_workflow(seed: int) -> str:
    """A workflow whose only checkout is among other steps, comments and blank lines."""
    chance = random.Random(seed)
    steps = [chance.choice(OTHERS) for _ in range(chance.randrange(5))]
    steps.insert(chance.randrange(len(steps) + 1), chance.choice(CHECKOUTS))
    indent = " " * chance.choice((4, 6, 8))
    lines = [f"{indent}{line}" if line else "" for step in steps for line in step.split("\n")]
    job = ["  j:", "    runs-on: x", "    steps:", *lines]
    if chance.random() < 0.5:
        job += ["    timeout-minutes: 5", "  # the end"]
    text = "\n".join(["on: push", "jobs:", *job]) + chance.choice(("", "\n", "\n\n"))
    text = chance.choice(("", "\ufeff", "---\n", "# ünï\n")) + text
    return text.replace("\n", chance.choice(("\n", "\r\n")))


@pytest.mark.parametrize("seed", range(80))
def test_removing_gives_the_text_back(seed: int) -> None:
    text = draw_workflow(seed)
    after = add(text)
    steps, before = plain(after)["jobs"]["j"]["steps"], plain(text)["jobs"]["j"]["steps"]
    place = next(number for number, step in enumerate(before) if "checkout" in step.get("uses", ""))
    assert steps.pop(place + 1) == yaml.safe_load(HOST.piece())[0]
    assert steps == before
    assert add(after) == after
    assert HOST.removed(Content(after)) == Content(text)


def test_settings_that_somebody_gave_the_step_go_with_it() -> None:
    line = HOST.piece().rstrip()
    after = add(WORKFLOW).replace(line, f"{line}\n        with:\n          cluster: ci # mine")
    assert HOST.removed(Content(after)) == Content(WORKFLOW)


def test_another_version_takes_the_place_of_the_one_that_is_there() -> None:
    settings = "\n        with:\n          wait: 30"
    old = add(WORKFLOW).replace("# sandkube setup", f"# sandkube setup{settings}")
    after = add(old, GitHub(version="abc"))
    assert "uses: sandkube/sandkube@abc # sandkube setup" in after
    assert after.count("sandkube/sandkube@") == 1
    assert settings in after
    assert HOST.removed(Content(after)) == Content(WORKFLOW)


@pytest.mark.parametrize("seed", range(20))
def test_another_cluster_is_named(seed: int) -> None:
    text = draw_workflow(seed)
    host = GitHub(cluster="ci")
    after = add(text, host)
    [step] = [step for step in plain(after)["jobs"]["j"]["steps"] if "sandkube" in step.get("uses", "")]
    assert step["with"] == {"cluster": "ci"}
    assert HOST.removed(Content(after)) == Content(text)


def test_a_job_is_named_where_several_check_out() -> None:
    text = WORKFLOW.replace('- run: "true"', "- uses: actions/checkout@v4")
    with pytest.raises(EditFailed, match="several jobs that check out: lint, test") as caught:
        HOST.added(Content(text))
    assert "--job" in str(caught.value.hint)
    after = add(text, GitHub("lint"))
    assert len(plain(after)["jobs"]["lint"]["steps"]) == 2
    assert GitHub("lint").removed(Content(after)) == Content(text)
    assert HOST.removed(Content(after)) == Content(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "{file} is not there"),
        ("", "{file} has no `jobs`"),
        ("a: b", "{file} has no `jobs`"),
        ("jobs:\n  a: [", "{file}:2:7: "),
        ("jobs:\n\ta: b", "{file}:2:1: "),
        ("jobs:\n  a:\n    steps:\n      - run: x", "{file}: no job has a step that uses actions/checkout"),
        ("jobs:\n  a: {steps: [{uses: actions/checkout@v4}]}", "{file}: no job with a line of its own"),
        ("jobs:\n  a:\n    uses: ./.github/workflows/b.yml", "{file}: no job"),
        ("a: \x00", "{file} is no YAML"),
        ("jobs: {}\n---\njobs: {}", "{file}:2:1: "),
        ("jobs:\n  a:\n    steps: &x\n      - env: *x", "{file} refers to itself"),
        (
            "jobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n? [1]\n: 2\n",
            "{file} is written in a way",
        ),
        (
            "x: &y {uses: actions/checkout@v4}\njobs:\n  a:\n    steps:\n      - *y\n      - run: b\n",
            "{file} is written in a way",
        ),
    ],
)
def test_what_is_unexpected_is_named(text: str | None, said: str) -> None:
    with pytest.raises(EditFailed) as caught:
        HOST.added(Content(text))
    assert caught.value.message.startswith(said)
    assert caught.value.hint


def test_steps_that_several_jobs_share_are_left_alone() -> None:
    text = "jobs:\n  a:\n    steps: &s\n      - uses: actions/checkout@v4\n  b:\n    steps: *s\n"
    with pytest.raises(EditFailed):
        GitHub("a").added(Content(text))


def test_a_step_that_somebody_wrote_is_left_alone() -> None:
    text = WORKFLOW.replace("- run: |", "- uses: sandkube/sandkube@main\n      - run: |")
    with pytest.raises(EditFailed, match="already"):
        HOST.added(Content(text))
    assert HOST.removed(Content(text)) == Content(text)


def test_there_is_no_such_job() -> None:
    with pytest.raises(EditFailed, match="no job `x`") as caught:
        GitHub("x").added(Content(WORKFLOW))
    assert "lint, test" in str(caught.value.hint)


def test_another_cluster_is_not_taken_for_this_one() -> None:
    text = "jobs:\n  a:\n    steps:\n    - uses: actions/checkout@v5\n"
    with_demo = GitHub(cluster="demo").added(Content(text))
    assert GitHub(cluster="demo").added(with_demo) == with_demo
    with pytest.raises(EditFailed, match="for the cluster `demo`"):
        GitHub(cluster="other").added(with_demo)


@pytest.mark.parametrize("name", ["1e3", "null", "0x1", "12"])
def test_a_name_that_yaml_would_take_for_something_else(name: str) -> None:
    assert f'cluster: "{name}"' in GitHub(cluster=name).piece()


def test_every_step_of_ours_is_renewed() -> None:
    job = "    steps:\n    - uses: actions/checkout@v5\n"
    text = f"jobs:\n  a:\n{job}  b:\n{job}"
    both = GitHub("b").added(GitHub("a").added(Content(text)))
    assert str(GitHub(version="main").added(both).text).count("@main ") == 2


def test_of_two_keys_the_last_counts() -> None:
    step = "    steps:\n    - uses: actions/checkout@v5\n"
    after = GitHub().added(Content(f"jobs: {{}}\njobs:\n  a:\n{step}"))
    assert after.text is not None
