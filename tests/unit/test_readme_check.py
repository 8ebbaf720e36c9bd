from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

README = """# sandkube

<!-- readme-check: venv -->
```bash
python3 -m venv .tools && . .tools/bin/activate
```

<!-- readme-check: up -->
```bash
echo one
echo two
```

```bash
rm -rf not-marked
```
"""


@pytest.fixture(scope="module")
def readme_check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme_check", ROOT / "tools" / "readme_check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["readme_check"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_marked_blocks_are_taken_in_their_order(readme_check: ModuleType) -> None:
    found = readme_check.blocks(README)
    assert [block.name for block in found] == ["venv", "up"]
    assert found[1].text == "echo one\necho two\n"


def test_the_environment_is_cleared_but_for_what_reaches_an_index(readme_check: ModuleType) -> None:
    ours = {
        "PATH": "/bin",
        "LANG": "C.UTF-8",
        "https_proxy": "p",
        "HTTPS_PROXY": "p",
        "UV_INDEX_URL": "u",
        "PIP_CERT": "c",
        "SSL_CERT_FILE": "f",
        "GOPROXY": "g",
        "GOSUMDB": "s",
    }
    others = {
        "HOME": "/root",
        "GOFLAGS": "x",
        "KUBECONFIG": "k",
        "SANDKUBE_SERVER": "s",
        "XDG_CACHE_HOME": "c",
    }
    assert readme_check.environment(ours | others, Path("/home")) == ours | {"HOME": "/home"}


def test_a_failing_line_ends_the_script_in_its_block(readme_check: ModuleType) -> None:
    text = readme_check.script(
        [readme_check.Block("one", "echo x\nfalse\n"), readme_check.Block("two", "echo y\n")]
    )
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == "@@ readme-check one\nx\n"


def test_the_four_namespaces_are_looked_for(readme_check: ModuleType) -> None:
    table = (
        "NAME  STATUS\ndefault Active 1s\nkube-node-lease Active\nkube-public Active\nkube-system Active\n"
    )
    assert readme_check.missing_namespaces(table) == set()
    assert readme_check.missing_namespaces("default Active\n") == {
        "kube-node-lease",
        "kube-public",
        "kube-system",
    }


def test_this_readme_has_the_blocks_that_must_hold(readme_check: ModuleType) -> None:
    found = readme_check.blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    assert sorted(block.name for block in found) == ["namespaces", "test", "up", "venv"]


def test_the_venv_stands_in_for_the_first_block_where_pip_refuses(readme_check: ModuleType) -> None:
    found = [readme_check.Block(name, "") for name in ("up", "namespaces", "test", "venv")]
    plain = readme_check.in_order(found, refuses=False)
    assert [block.name for block in plain] == ["up", "namespaces", "test"]
    refused = readme_check.in_order(found, refuses=True)
    assert [block.name for block in refused] == ["venv", "namespaces", "test"]
