"""From the bytes of a file to the objects in it, as kubectl reads them.

Documents are told apart by lines that begin with ``---``, before any YAML is read, so that one with a syntax
error leaves the others readable. A file that begins with ``{`` is a row of JSON texts. Lists are taken apart.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from sandkube.manifests import values
from sandkube.manifests.composing import TooDeepError, compose
from sandkube.manifests.document import Document, Origin
from sandkube.manifests.fields import entries
from sandkube.manifests.lines import Lines, Span
from sandkube.manifests.values import UnreadableError

_SEPARATOR = "---"
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a part of a file holds no object that could be judged. ``span`` is None for the file as a whole."""

    code: str
    message: str
    file: str
    span: Span | None = None
    hint: str | None = None
    case: str | None = None


@dataclass(frozen=True)
class Contents:
    """What is in a file."""

    documents: list[Document] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)


def read(
    data: bytes, file: str, *, case: str | None = None, origin: Origin | None = None, first: int = 1
) -> Contents:
    """The objects in ``data``, and what could not be read. ``file`` is what the file is called.

    ``first`` is the number of the first line, for a part of a file.
    """
    found = Contents()
    reading = _Reading(found, file, case, origin)
    text = reading.decoded(data, first)
    if text is None:
        return found
    if text.lstrip().startswith("{") and (parts := _json_texts(text)) is not None:
        for at, end in parts:
            # a tab between the tokens of JSON is none of YAML's
            reading.part(
                text[at:end], Lines(text[:at] + text[at:end].replace("\t", " "), first), at, is_json=True
            )
        return found
    for number, part in reading.parts(text, first):
        reading.part(part, Lines(part, number), 0, is_json=False)
    return found


def _json_texts(text: str) -> list[tuple[int, int]] | None:
    """Where each of a row of JSON texts begins and ends; None if it is no such row."""
    decoder, at = json.JSONDecoder(), 0
    found: list[tuple[int, int]] = []
    while True:
        at += len(text[at:]) - len(text[at:].lstrip())
        if at == len(text):
            return found
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return None
        found.append((at, end))
        at = end


@dataclass(frozen=True)
class _Reading:
    found: Contents
    file: str
    case: str | None
    origin: Origin | None

    def flaw(self, code: str, message: str, span: Span | None, hint: str | None = None) -> None:
        self.found.flaws.append(Flaw(code, message, self.file, span, hint, self.case))

    def decoded(self, data: bytes, first: int) -> str | None:
        encoding = "utf-8"
        for bom, name in _BOMS:
            if data.startswith(bom):
                data, encoding = data[len(bom) :], name
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            before = data[: error.start].decode(encoding, "replace")
            lines = Lines(before + data[error.start :].decode(encoding, "replace"), first)
            wrong = data[error.start : error.end].hex(" ")
            self.flaw(
                "yaml-encoding",
                f"The bytes `{wrong}` are not {encoding.upper()}.",
                lines.at(len(before), len(before) + 1),
                "save the file as UTF-8",
            )
            return None

    def parts(self, text: str, first: int) -> Iterator[tuple[int, str]]:
        """Line number and text of each document."""
        begun, held = first, list[str]()
        for number, line in enumerate(_lines(text), first):
            if not line.startswith(_SEPARATOR):
                held.append(line)
                continue
            behind = line[len(_SEPARATOR) :].strip()
            if behind and not behind.startswith("#"):
                self.flaw(
                    "yaml-syntax",
                    f"A line that begins with `---` separates documents, and cannot hold `{behind[:40]}`.",
                    Lines(line, number).at(len(_SEPARATOR)),
                    "put it on a line of its own",
                )
            if held:
                yield begun, "".join(held)
            begun, held = number + 1, []
        if held:
            yield begun, "".join(held)

    def part(self, text: str, lines: Lines, offset: int, *, is_json: bool) -> None:
        """One document: ``lines`` are composed, and ``text``, which begins at ``offset`` of them, is sent."""
        try:
            node = compose(lines.text[offset:])
            if node is not None:
                lines = Lines(lines.text[offset:], lines.at(offset).line) if offset else lines
                self.object(text, lines, node, first=lines.first, is_json=is_json)
        except TooDeepError:
            self.flaw("yaml-syntax", "This nests too deep to be an object.", lines.at(offset))
        except RecursionError:
            self.flaw("yaml-syntax", "This nests too deep to be an object.", lines.at(offset))
        except UnreadableError as error:
            self.flaw("yaml-syntax", str(error), lines.span(error.node))
        except yaml.MarkedYAMLError as error:
            self.flaw("yaml-syntax", *_said(error, lines))
        except yaml.reader.ReaderError as error:
            at = min(int(error.position), max(len(lines.text) - 1, 0))
            character = (
                error.character if isinstance(error.character, int) else ord(error.character[:1] or "\0")
            )
            self.flaw(
                "yaml-syntax",
                f"The character U+{character:04X} is not allowed in YAML.",
                lines.at(at, at + 1),
            )

    def object(self, text: str, lines: Lines, node: yaml.Node, *, first: int, is_json: bool) -> None:
        if isinstance(node, yaml.ScalarNode) and values.scalar_of(node) is None:
            return
        if not isinstance(node, yaml.MappingNode):
            kind = "a list" if isinstance(node, yaml.SequenceNode) else "a single value"
            self.flaw(
                "not-an-object",
                f"This document is {kind}, and no object.",
                lines.span(node),
                "an object has the fields `apiVersion`, `kind` and `metadata`",
            )
            return
        document = Document(self.file, text, first, node, lines, is_json, self.origin, self.case)
        _ = document.value  # UnreadableError now, not later
        items = _items(document)
        if items is None:
            self.found.documents.append(document)
            return
        for item in items:
            at = document.lines.span(item).line
            self.object(_own_text(document, item), document.lines, item, first=at, is_json=document.json)


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends; only line feeds end one."""
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        yield text[at:end]
        at = end


def _items(document: Document) -> list[yaml.Node] | None:
    """The items of a list of objects; None for another object."""
    if not document.kind.endswith("List"):
        return None
    for name, _, value in entries(document.node):
        if name == "items" and isinstance(value, yaml.SequenceNode):
            return list(value.value)
    return None


def _own_text(document: Document, item: yaml.Node) -> str:
    """The text of an item of a list, as it stands there; as JSON if it refers to anchors outside of it."""
    start, end = item.start_mark.index, item.end_mark.index
    text = document.lines.text
    if document.json:
        text = document.text  # with its tabs
    if any(not start <= one.start_mark.index < end for one in _below(item)):
        return json.dumps(values.value_of(item))
    flow = isinstance(item, yaml.CollectionNode) and item.flow_style
    margin = "" if flow else " " * (start - (text.rfind("\n", 0, start) + 1))
    return margin + text[start:end]


def _below(node: yaml.Node) -> Iterator[yaml.Node]:
    seen, stack = set[int](), [node]
    while stack:
        one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, yaml.MappingNode):
            stack += [part for pair in one.value for part in pair]
        elif isinstance(one, yaml.SequenceNode):
            stack += one.value


def _said(error: yaml.MarkedYAMLError, lines: Lines) -> tuple[str, Span | None, str | None]:
    """What a syntax error says, where, and what helps."""
    mark = error.problem_mark or error.context_mark
    problem = (error.problem or "this cannot be read").strip()
    context = f" {error.context.strip()}" if error.context else ""
    message = f"This is no YAML: {problem}{context}."
    if mark is None:
        return message, None, None
    span = lines.at(min(mark.index, len(lines.text)))
    hint = None
    if "\t" in span.text[: len(span.text) - len(span.text.lstrip())]:
        hint = "YAML does not indent with tabs: use spaces"
    elif "mapping values are not allowed" in problem:
        hint = "a value that holds `: ` needs quotes"
    elif "found character" in problem and "cannot start any token" in problem:
        hint = "a value that begins with this character needs quotes"
    return message, span, hint
