from __future__ import annotations

from pathlib import Path

import pytest

from sandkube.errors import UsageError
from sandkube.validation.settings import configured


def test_none_is_needed(tmp_path: Path) -> None:
    assert configured(tmp_path) == (None, {})


def test_the_nearest_file_that_has_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "deploy").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.sandkube.validate]\npaths = ["deploy"]\nfail-on = "warning"\n'
    )
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    monkeypatch.chdir(below)
    found, settings = configured(below)
    assert found == tmp_path / "pyproject.toml"
    assert settings == {"paths": ("../../deploy",), "fail_on": "warning"}


def test_a_file_of_its_own_goes_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.sandkube.validate]\nnamespace = "a"\n')
    (tmp_path / "sandkube.toml").write_text('[validate]\nnamespace = "b"\nset = ["x=1"]\nsettle = 1\n')
    monkeypatch.chdir(tmp_path)
    assert configured(tmp_path)[1] == {"namespace": "b", "sets": ("x=1",), "settle": 1.0}


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "below"
    below.mkdir()
    for name in ("old", "crds"):
        (tmp_path / name).mkdir()
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "sandkube.toml").write_text(
        "[validate]\ncrds = 'crds'\nvalues = ['a.yaml,b.yaml']\nbaseline = 'to-be-written'\n"
        "upgrade-from = 'old'\nreport = ['sarif=out/found']\n"
    )
    monkeypatch.chdir(below)
    assert configured(below)[1] == {
        "crds": ("../crds",),
        "values": ("../a.yaml,../b.yaml",),
        "baseline": "../to-be-written",
        "upgrade_from": "../old",
        "report": ("sarif=../out/found",),
    }
    (tmp_path / "sandkube.toml").write_text("[validate]\nupgrade-from = 'HEAD~1'\n")
    assert configured(below)[1] == {"upgrade_from": "HEAD~1"}


def test_what_is_given_otherwise_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "sandkube.toml").write_text("[validate]\npaths = 'gone'\nnamespace = 'shop'\n")
    assert configured(tmp_path, {"paths"})[1] == {"namespace": "shop"}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "[validate]\nnamspace = 'x'\n",
            r"sandkube.toml:2: validate has no setting `namspace`",
            "did you mean `namespace`",
        ),
        ("[validate]\npaths = [1]\n", r"sandkube.toml:2: `paths` has to be a list of texts", None),
        ("[validate]\nrecursive = 'yes'\n", r":2: `recursive` has to be `true` or `false`", None),
        ("[validate]\nsettle = true\n", r":2: `settle` has to be a number", None),
        ("[validate]\nfail-on = 'never'\n", r":2: `fail-on` is `error` or `warning`", None),
        ("[validate]\n\npaths = 'gone'\n", r"sandkube.toml:3: there is no `.*gone`", None),
        ("[validate]\nvalues = '-,gone'\n", r"sandkube.toml:2: there is no `.*gone`", None),
        ("[validate\n", r"sandkube.toml` cannot be read: .*line 1", None),
    ],
)
def test_what_makes_no_sense(tmp_path: Path, text: str, message: str, hint: str | None) -> None:
    (tmp_path / "sandkube.toml").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        configured(tmp_path)
    assert hint is None or hint in (caught.value.hint or "")
