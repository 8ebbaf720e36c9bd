"""Dev containers: the `postStartCommand` of `devcontainer.json`, which runs each time the container starts.

Documented at https://containers.dev/implementors/json_reference: a text is run by a shell, a list without
one, and an object has several of either kind, by name, which run side by side. The file is JSON with
comments.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandkube.errors import EditFailed
from sandkube.setup import jsonc, jsonedit
from sandkube.setup.host import Content
from sandkube.setup.jsonc import Node
from sandkube.setup.mark import is_ours, made_with, marked
from sandkube.setup.place import place

__all__ = ["DevContainer"]

_KEY: Final = "postStartCommand"
_NAME: Final = "sandkube"
# What a command that stood alone is called in the object that is made of it and ours.
_OTHER: Final = "project"
_OBJECT: Final = "object"


@dataclass(frozen=True, slots=True)
class DevContainer:
    """The command that starts ``cluster``, the default one if it is None.

    ``sandkube`` is what calls sandkube in the container.
    """

    sandkube: str = "sandkube"
    cluster: str | None = None

    @property
    def file(self) -> Path:
        """The first of the two places at which tools look."""
        return Path(".devcontainer", "devcontainer.json")

    @property
    def command(self) -> str:
        """What runs when the container has started."""
        return f"{self.sandkube} up{f' {self.cluster}' if self.cluster else ''} --quiet"

    def piece(self) -> str:
        """An object with nothing but the command."""
        return jsonedit.rendered({_KEY: marked(self.command)}, jsonedit.Layout()) + "\n"

    def added(self, content: Content) -> Content:
        """The file with the command, beside one that is there already."""
        text, root = _read(content)
        index = root.find(_KEY)
        layout = jsonedit.layout_of(text, root)
        if index is None:
            return Content(jsonedit.appended(text, root, _KEY, marked(self.command), layout))
        node = root.items[index].node
        ours = _ours(node)
        if ours is not None:
            command = marked(self.command, made_with(ours.value))
            return content if ours.value == command else Content(jsonedit.replaced(text, ours, command))
        if node.kind == "object":
            if node.find(_NAME) is not None:
                raise EditFailed(
                    f"{place(text, node.start)}: `{_KEY}` has a `{_NAME}` already, which is not from here.",
                    hint="remove it, or leave it as it is; nothing in the file was changed",
                )
            return Content(jsonedit.appended(text, node, _NAME, marked(self.command), layout))
        if node.kind == "value":
            raise EditFailed(
                f"{place(text, node.start)}: `{_KEY}` is neither text nor list nor object.",
                hint="mend the file, and try again; nothing in it was changed",
            )
        before, behind = self._wrapping(marked(self.command, _OBJECT))
        return Content(text[: node.start] + before + text[node.start : node.end] + behind + text[node.end :])

    def removed(self, content: Content) -> Content:
        """The file without the command."""
        if content.text is None or jsonc.is_blank(content.text):
            return content
        text, root = _read(content)
        index = root.find(_KEY)
        ours = None if index is None else _ours(root.items[index].node)
        if index is None or ours is None:
            return content
        node = root.items[index].node
        if node.kind == "text":
            return Content(jsonedit.removed(text, root, index))
        if (unwrapped := self._unwrapped(text, node, ours)) is not None:
            return Content(unwrapped)
        number = node.find(_NAME)
        assert number is not None
        return Content(jsonedit.removed(text, node, number))

    def _unwrapped(self, text: str, node: Node, ours: Node) -> str | None:
        """The text with what the object was made around, if it is as it was made."""
        if made_with(ours.value) != _OBJECT or len(node.items) != 2:  # noqa: PLR2004 -- theirs and ours
            return None
        inner = node.items[0].node
        before, behind = self._wrapping(ours.value)
        if text[node.start : inner.start] != before or text[inner.end : node.end] != behind:
            return None
        return text[: node.start] + text[inner.start : inner.end] + text[node.end :]

    @staticmethod
    def _wrapping(command: str) -> tuple[str, str]:
        """What is put before and behind a command that stood alone."""
        whole = jsonedit.on_one_line({_OTHER: None, _NAME: command})
        before, _, behind = whole.partition("null")
        return before, behind


def _read(content: Content) -> tuple[str, Node]:
    text = content.text
    if text is None or jsonc.is_blank(text):
        raise EditFailed(
            f"{{file}} is {'not there' if text is None else 'empty'}, and a dev container is more than its "
            f"`{_KEY}`: it needs at least an image.",
            hint="make the dev container first, or name its file with --file",
        )
    root = jsonc.parse(text)
    if root.kind != "object":
        raise EditFailed(
            f"{place(text, root.start)}: a dev container's file holds an object.",
            hint="mend the file, and try again; nothing in it was changed",
        )
    return text, root


def _ours(node: Node) -> Node | None:
    """Our command in the value of `postStartCommand`."""
    if node.kind == "object":
        index = node.find(_NAME)
        node = node if index is None else node.items[index].node
    return node if node.kind == "text" and is_ours(node.value) else None
