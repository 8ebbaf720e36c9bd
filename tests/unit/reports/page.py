"""A page taken apart by the standard library's parser of HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

# Elements that have no end.
_VOID = {"input", "link", "meta"}


@dataclass
class Element:
    """An element: its attributes, and what is in it: text and elements."""

    tag: str
    attributes: dict[str, str]
    inside: list[str | Element] = field(default_factory=list)

    @property
    def children(self) -> list[Element]:
        """The elements right in it."""
        return [part for part in self.inside if isinstance(part, Element)]

    @property
    def text(self) -> str:
        """All text below it."""
        return "".join(part if isinstance(part, str) else part.text for part in self.inside)

    def all(self, tag: str, name: str | None = None) -> list[Element]:
        """The elements below, in order, of that tag and, if given, with that class."""
        found = []
        for child in self.children:
            if child.tag == tag and (name is None or name in child.attributes.get("class", "").split()):
                found.append(child)
            found += child.all(tag, name)
        return found

    def one(self, tag: str, name: str | None = None) -> Element:
        """The only such element."""
        (found,) = self.all(tag, name)
        return found

    def shape(self) -> list[object]:
        """The tags and the names of attributes, without a word of text: what a text must not change."""
        return [self.tag, sorted(self.attributes), [child.shape() for child in self.children]]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def parse(text: str) -> Element:
    """Give what holds the whole page; AssertionError where an element is not ended, or another is."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert [element.tag for element in reader.open] == [""]
    return reader.root
