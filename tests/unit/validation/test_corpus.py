"""The written corpus is whole: sixty and sixty, every broken file explained, every place in its file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sandkube.validation.rules import RULES
from validation.corpus import LARGE_CONFIG_MAP, MANY_DOCUMENTS, Case, broken, sound


@pytest.fixture
def sound_ones(tmp_path: Path) -> dict[str, Case]:
    return {case.name: case for case in sound(tmp_path)}


def test_sixty_are_broken_and_sixty_are_sound(sound_ones: dict[str, Case]) -> None:
    assert len(broken()) == len({case.name for case in broken()}) == 60
    assert len(sound_ones) == 60
    for cases in (broken(), list(sound_ones.values())):
        assert [case.name.partition("-")[0] for case in cases] == [f"{number:02d}" for number in range(1, 61)]


def test_what_is_broken_is_expected_and_what_is_sound_is_not(sound_ones: dict[str, Case]) -> None:
    assert all(case.expected for case in broken())
    assert not any(case.expected for case in sound_ones.values())


@pytest.mark.parametrize("case", broken(), ids=lambda case: case.name)
def test_expected_places_are_in_the_file(case: Case) -> None:
    lines = case.path.read_bytes().decode("latin-1").splitlines()
    for expected in case.expected:
        assert expected.code in RULES
        assert lines[expected.line - 1].strip()


@pytest.mark.parametrize("case", broken(), ids=lambda case: case.name)
def test_lines_hold_the_fields_that_are_there(case: Case) -> None:
    """But for what is missing: a name in the path has to stand in the line, or its parent's has."""
    lines = case.path.read_bytes().decode("latin-1").splitlines()
    for expected in case.expected:
        if expected.field is None or expected.code in {"missing-api-version", "missing-kind"}:
            continue
        steps = [step.partition("[")[0] for step in expected.field.split(".")]
        line = lines[expected.line - 1]
        assert any(step in line for step in steps[-2:]) or expected.field.endswith("]") or "- " in line


def test_the_large_ones_are_the_same_every_time(tmp_path: Path, sound_ones: dict[str, Case]) -> None:
    other = tmp_path / "again"
    other.mkdir()
    for case in sound(other):
        assert case.path.read_bytes() == sound_ones[case.name].path.read_bytes()


def test_the_config_map_holds_a_million_bytes(sound_ones: dict[str, Case]) -> None:
    text = sound_ones[LARGE_CONFIG_MAP].path.read_text()
    data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    assert len(data["data"]["lines"]) == 1_000_000


def test_there_are_three_hundred_documents_with_names_of_their_own(sound_ones: dict[str, Case]) -> None:
    documents = list(yaml.safe_load_all(sound_ones[MANY_DOCUMENTS].path.read_text()))
    assert len({(one["kind"], one["metadata"]["name"]) for one in documents}) == 300


def test_bytes_are_as_they_were_written() -> None:
    by_name = {case.name: case.path.read_bytes() for case in broken()}
    folder = Path(broken()[0].path).parents[1] / "sound"
    assert b"\t\tapp" in by_name["01-tab-indentation"]
    with pytest.raises(UnicodeDecodeError):
        by_name["04-latin-1"].decode()
    assert (folder / "01-empty.yaml").read_bytes() == b""
    windows = (folder / "04-windows-line-ends.yaml").read_bytes()
    assert windows.count(b"\r\n") == windows.count(b"\n") > 0
    assert (folder / "05-byte-order-mark.yaml").read_bytes().startswith(b"\xef\xbb\xbf")
    assert not (folder / "58-no-line-end.yaml").read_bytes().endswith(b"\n")
