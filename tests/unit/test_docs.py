"""The documents say what is: commands, variables, keys and links are compared with what they are about."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sandkube import errors
from sandkube_build import needs

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")], key=str)
GO = ROOT / "server" / "internal"

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_JSON_KEY = re.compile(r'`json:"([a-z_]+)')
_VARIABLE = re.compile(r"\bSANDKUBE_[A-Z0-9]+(?:_[A-Z0-9]+)*\b")


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reference"] = module
    spec.loader.exec_module(module)
    return module


def read(name: str) -> str:
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


def test_the_generated_pages_are_up_to_date() -> None:
    """In a process of its own: click remembers how a command was called before."""
    check = [sys.executable, str(ROOT / "tools" / "reference.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `uv run python tools/reference.py`\n{done.stdout}{done.stderr}"


def test_every_command_is_documented(reference: ModuleType) -> None:
    headings = set(re.findall(r"^#+ (.+)$", read("cli.md"), re.MULTILINE))
    assert {context.command_path for context in reference.commands()} <= headings


def test_every_command_is_used_in_a_how_to(reference: ModuleType) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "how-to").glob("*.md"))
    paths = {context.command_path for context in reference.commands()} - {"sandkube", "sandkube server"}
    assert {path for path in paths if path not in text} == set()


def test_every_variable_is_documented() -> None:
    sources = [
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "server").glob("*.py"),
        *(ROOT / "server").glob("*/*.py"),
    ]
    used = {name for path in sources for name in _VARIABLE.findall(path.read_text(encoding="utf-8"))}
    internal = {"SANDKUBE_COMPLETE"}  # click's own, between the shell and `completion`
    assert used - internal <= set(_VARIABLE.findall(read("environment.md")))


def test_no_variable_is_documented_that_nobody_reads(reference: ModuleType) -> None:
    sources = [
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "server").glob("*.py"),
        *(ROOT / "server").glob("*/*.py"),
    ]
    read_by_code = {name for path in sources for name in _VARIABLE.findall(path.read_text(encoding="utf-8"))}
    options = {variable for variable, _, _ in reference.option_variables()}
    assert set(_VARIABLE.findall(read("environment.md"))) <= read_by_code | options


def test_every_key_of_the_contract_is_documented() -> None:
    text = read("contract.md")
    config = (GO / "config" / "config.go").read_text(encoding="utf-8")
    events = (GO / "events" / "events.go").read_text(encoding="utf-8")
    told = re.findall(r'event\{Event: "([a-z]+)"', events)
    assert len(told) >= 7
    for key in {*_JSON_KEY.findall(config), *_JSON_KEY.findall(events), *told}:
        assert re.search(rf"[`.]{key}[`.]", text), key


def test_the_contract_page_names_the_contract_and_its_shared_flags() -> None:
    text = read("contract.md")
    version = re.search(
        r"const Contract = (\d+)", (GO / "version" / "version.go").read_text(encoding="utf-8")
    )
    assert version is not None
    assert f"contract number **{version[1]}**" in text
    flags = re.search(
        r"var shared = \[\]string\{(.*?)\}", (GO / "flags" / "flags.go").read_text("utf-8"), re.DOTALL
    )
    assert flags is not None
    assert [flag for flag in re.findall(r'"([a-z-]+)"', flags[1]) if f"`--{flag}`" not in text] == []


def test_every_exit_code_of_an_error_is_documented() -> None:
    codes = {getattr(errors, name).exit_code for name in errors.__all__}
    assert codes <= {int(code) for code in re.findall(r"^\| (\d+) \|", read("exit-codes.md"), re.MULTILINE)}


@pytest.mark.parametrize("amount", [needs.DOWNLOAD, needs.MODULES_DISK, needs.CACHE_DISK, needs.MEMORY])
def test_the_readme_says_what_a_build_takes(amount: int) -> None:
    assert needs.size(amount) in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page: Path) -> None:
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        target, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), link
        if anchor:
            assert anchor in anchors(file), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_addresses_in_our_repository_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"github\.com/sandkube/sandkube/blob/main/([\w./-]+)", text):
        assert (ROOT / name).exists(), name


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
