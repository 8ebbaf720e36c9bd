from __future__ import annotations

import json

import pytest

from sandkube.manifests.reading import Contents, read

ONE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"


def contents(text: str | bytes) -> Contents:
    return read(text.encode() if isinstance(text, str) else text, "a.yaml")


def flaws(text: str | bytes) -> list[tuple[str, int | None]]:
    return [(flaw.code, flaw.span.line if flaw.span else None) for flaw in contents(text).flaws]


def test_documents_have_their_own_text_and_lines() -> None:
    found = contents(f"# first\n{ONE}--- # second\n{ONE.replace('one', 'two')}---\n")
    assert [document.name for document in found.documents] == ["one", "two"]
    assert [document.first for document in found.documents] == [1, 6]
    assert found.documents[1].text == ONE.replace("one", "two")
    assert found.documents[1].start.line == 6
    assert found.flaws == []


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n---\n", "~\n", "null", "\ufeff"])
def test_nothing_to_judge(text: str) -> None:
    found = contents(text)
    assert not found.documents
    assert not found.flaws


def test_windows_line_ends_and_a_bom() -> None:
    found = contents(b"\xef\xbb\xbf" + f"{ONE}---\n{ONE}".replace("\n", "\r\n").encode())
    assert [document.first for document in found.documents] == [1, 5]
    assert found.documents[1].start.line == 5
    assert not found.documents[0].start.text.endswith("\r")


def test_utf_16() -> None:
    found = contents(b"\xff\xfe" + ONE.encode("utf-16-le"))
    assert found.documents[0].name == "one"


def test_bytes_that_are_no_text() -> None:
    found = contents(ONE.encode() + b"data: {a: \xff}\n")
    assert not found.documents
    (flaw,) = found.flaws
    assert (flaw.code, flaw.span and (flaw.span.line, flaw.span.column)) == ("yaml-encoding", (4, 11))
    assert "ff" in flaw.message


def test_one_that_is_broken_leaves_the_others() -> None:
    found = contents(f"{ONE}---\na: [1\n---\n{ONE}")
    assert len(found.documents) == 2
    assert found.documents[1].first == 7
    assert [flaw.code for flaw in found.flaws] == ["yaml-syntax"]


def test_a_tab_is_named() -> None:
    (flaw,) = contents("kind: x\nspec:\n\ta: 1\n").flaws
    assert flaw.code == "yaml-syntax"
    assert flaw.span is not None
    assert flaw.span.line == 3
    assert flaw.hint == "YAML does not indent with tabs: use spaces"


@pytest.mark.parametrize("text", ["just text\n", "- a\n- b\n", "12"])
def test_what_is_no_object(text: str) -> None:
    assert flaws(text) == [("not-an-object", 1)]


def test_a_separator_that_holds_more() -> None:
    assert flaws(f"{ONE}--- kind: x\n{ONE}") == [("yaml-syntax", 4)]


def test_a_character_that_yaml_does_not_allow() -> None:
    assert flaws("a: b\nc: d\x00\n") == [("yaml-syntax", 2)]


@pytest.mark.parametrize(
    "text", ["[" * 20_000, "{a: " * 5_000, "- " * 20_000, "a: &x [*x]\n", "&a !!int abc: 1\n", "? [a]\n: 1\n"]
)
def test_traps(text: str) -> None:
    assert [code for code, _ in flaws(text)] == ["yaml-syntax"]


def test_a_small_text_that_aliases_make_large() -> None:
    text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    assert [code for code, _ in flaws(text)] == ["yaml-syntax"]


def test_json_with_tabs_and_several_in_a_row() -> None:
    text = '{\n\t"kind": "A",\n\t"x": "tab\\t"\n}\n{"kind": "B"}\n'
    found = contents(text)
    assert [(one.kind, one.json, one.first) for one in found.documents] == [("A", True, 1), ("B", True, 5)]
    assert json.loads(found.documents[0].text)["x"] == "tab\t"
    assert found.documents[0].span(found.documents[0].find("x")).line == 3


def test_a_flow_mapping_that_is_no_json() -> None:
    assert contents("{kind: A, metadata: {name: b}}\n").documents[0].name == "b"


LIST = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: one
  data:
    text: |
      line

      line
# between
- {apiVersion: v1, kind: Secret, metadata: {name: two}}
-   kind: Service
    metadata: {name: three}
"""


def test_a_list_is_taken_apart_and_each_keeps_its_text() -> None:
    found = contents(LIST).documents
    assert [(one.kind, one.name, one.first) for one in found] == [
        ("ConfigMap", "one", 4),
        ("Secret", "two", 14),
        ("Service", "three", 15),
    ]
    for one in found:
        (again,) = contents(one.text).documents
        assert again.value == one.value
        # a line of the text is a line of the file
        assert one.first + again.start.line - 1 == one.start.line
    assert found[0].span(found[0].find("data.text")).line == 9


def test_a_list_as_json() -> None:
    text = json.dumps({"kind": "List", "items": [{"kind": "A"}, {"kind": "B", "x": [1]}]}, indent="\t")
    found = contents(text).documents
    assert [json.loads(one.text) for one in found] == [{"kind": "A"}, {"kind": "B", "x": [1]}]


def test_an_item_that_needs_an_anchor_of_another_one() -> None:
    text = "kind: List\nitems:\n- &a {kind: A, x: 1}\n- {<<: *a, kind: B}\n"
    found = contents(text).documents
    assert json.loads(found[1].text) == {"kind": "B", "x": 1}


def test_lists_in_lists() -> None:
    text = '{"kind": "List", "items": [{"kind": "PodList", "items": [{"kind": "Pod"}]}]}'
    assert [one.kind for one in contents(text).documents] == ["Pod"]


def test_three_hundred_documents() -> None:
    found = contents("---\n".join(ONE.replace("one", f"n{n}") for n in range(300)))
    assert [one.name for one in found.documents] == [f"n{n}" for n in range(300)]
    assert found.documents[299].start.line == 299 * 4 + 1
