from __future__ import annotations

import json
from pathlib import Path

from sandkube_build import provenance
from sandkube_build.provenance import Linked, Module

SAID = """/somewhere/sandkube-server: go1.26.8
\tpath\tgithub.com/sandkube/sandkube/server
\tmod\tgithub.com/sandkube/sandkube/server\t(devel)\t
\tdep\tk8s.io/api\tv0.0.0
\t=>\tk8s.io/api\tv0.37.2\th1:AQID
\tdep\tcel.dev/expr\tv0.25.3+incompatible\th1:BAUG
\tbuild\t-trimpath=true
"""
LINKED = Linked(
    go="go1.26.8",
    modules=(
        Module("cel.dev/expr", "v0.25.3+incompatible", "h1:BAUG"),
        Module("k8s.io/api", "v0.37.2", "h1:AQID"),
    ),
)


def test_a_replaced_module_is_the_one_that_was_taken() -> None:
    assert provenance.linked(SAID) == LINKED


def test_the_sbom_has_purl_version_and_hash_of_each_module() -> None:
    document = json.loads(provenance.sbom(LINKED, "sandkube-server", "1.37.2.1", "2026-10-27T12:01:04Z"))
    expr, api, std = document["components"]
    assert api["purl"] == "pkg:golang/k8s.io/api@v0.37.2"
    assert api["hashes"] == [{"alg": "SHA-256", "content": "010203"}]
    assert api["properties"] == [{"name": "go:sum", "value": "h1:AQID"}]
    assert expr["purl"].endswith("@v0.25.3%2Bincompatible")
    assert std["purl"] == "pkg:golang/std@1.26.8"
    assert document["specVersion"] == "1.6"
    assert document["metadata"]["component"]["purl"] == "pkg:pypi/sandkube-server@1.37.2.1"
    assert document["dependencies"][0]["dependsOn"] == [part["bom-ref"] for part in document["components"]]


def test_the_sbom_of_the_same_binary_is_the_same() -> None:
    one, two = (provenance.sbom(LINKED, "n", "1", "d") for _ in range(2))
    assert one == two


def _module(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_licences_are_those_of_the_module_and_of_its_linked_packages(tmp_path: Path) -> None:
    root = _module(
        tmp_path,
        {
            "LICENSE": "ours",
            "NOTICE.txt": "notice",
            "license.go": "code",
            "third_party/used/LICENSE": "theirs",
            "third_party/used/deep/x.go": "",
            "third_party/unused/LICENSE": "nobody's",
        },
    )
    files = provenance.licence_files([(root, root), (root, root / "third_party" / "used" / "deep")])
    assert [name for name, _ in files] == ["LICENSE", "NOTICE.txt", "third_party/used/LICENSE"]


def test_each_text_stands_once_below_those_who_carry_it(tmp_path: Path) -> None:
    goroot = _module(tmp_path / "go", {"LICENSE": "Go's terms"})
    api = _module(tmp_path / "api", {"LICENSE": "Apache\r\n"})
    expr = _module(tmp_path / "expr", {"LICENSE": "Apache\n", "NOTICE": "by somebody"})
    folders = {"k8s.io/api": [(api, api)], "cel.dev/expr": [(expr, expr)]}
    text = provenance.notices(LINKED, folders, goroot)
    assert text.count("Apache") == 1
    assert "cel.dev/expr v0.25.3+incompatible: LICENSE\nk8s.io/api v0.37.2: LICENSE" in text
    assert "by somebody" in text
    assert "Go standard library go1.26.8: LICENSE" in text
    assert "No licence file" not in text


def test_a_module_without_a_licence_is_named(tmp_path: Path) -> None:
    text = provenance.notices(LINKED, {}, tmp_path)
    assert "No licence file was found in: cel.dev/expr v0.25.3+incompatible, k8s.io/api v0.37.2" in text
