"""Coding sandboxes: the SessionStart hook in Claude Code's project settings, `.claude/settings.json`.

A product feature, documented at https://code.claude.com/docs/en/hooks: a command of type `command` runs in a
shell in the project's folder when a session begins or goes on, with a JSON object on its standard input. What
it prints on standard output is shown to the model; with exit status 2 its standard error is shown to the
person, and the session goes on. `timeout` is in seconds. CLAUDE_ENV_FILE names a file; the `export` lines
that the hook appends to it hold for the shell commands of the session.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sandkube.errors import EditFailed
from sandkube.setup import jsonc, jsonedit
from sandkube.setup.host import Content
from sandkube.setup.jsonc import Node
from sandkube.setup.mark import is_ours, made_with, marked
from sandkube.setup.place import place

__all__ = ["SessionStart"]

_HOOKS, _EVENT = "hooks", "SessionStart"
# What was made around our command, from the inside out. `content` is all of a file that was empty.
_MADE: Final = ("entry", _EVENT, _HOOKS, "content", "file", "folder")
WAIT: Final = 45  # seconds for the start
TIMEOUT: Final = 60  # seconds after which the host ends the hook: more than the start may take


@dataclass(frozen=True, slots=True)
class SessionStart:
    """The hook that starts ``cluster``, which `env` and `up` take by default if it is None.

    ``sandkube`` is what calls sandkube in a shell.
    """

    sandkube: str = "sandkube"
    cluster: str | None = None

    @property
    def file(self) -> Path:
        """Claude Code's settings of the project, which are committed with it."""
        return Path(".claude", "settings.json")

    @property
    def command(self) -> str:
        """What the hook runs: the start, and what the session's shells need to use the cluster."""
        name = f" {self.cluster}" if self.cluster else ""
        up = f"{self.sandkube} up{name} --quiet --wait {WAIT}"
        return f'{up} && {self.sandkube} env{name} --shell sh >> "${{CLAUDE_ENV_FILE:-/dev/null}}"'

    def piece(self) -> str:
        """The settings with nothing but the hook."""
        return jsonedit.rendered(self._settings(None), jsonedit.Layout()) + "\n"

    def added(self, content: Content) -> Content:
        """The settings with the hook; an older one of ours is brought up to date."""
        if content.text is None or jsonc.is_blank(content.text):
            return Content(self._whole(content))
        text = content.text
        root = _root(text)
        ours = next(_ours(root), None)
        if ours is not None:
            command = marked(self.command, made_with(ours.command.value))
            if ours.command.value == command:
                return content
            return Content(jsonedit.replaced(text, ours.command, command))
        return Content(self._merged(text, root))

    def removed(self, content: Content) -> Content:
        """The settings without the hook, and without what was made for it, if it holds nothing else."""
        text = content.text
        while text is not None and not jsonc.is_blank(text):
            ours = next(_ours(_root(text)), None)
            if ours is None:
                break
            reach = _MADE.index(made_with(ours.command.value) or "entry")
            whole = reach >= _MADE.index("content") and ours.alone_in_file
            if whole and not _has_comments(text, ours.root):
                return _without_all(text, ours.root, _MADE[reach])
            text = _without(text, ours, reach)
        return content if text == content.text else Content(text)

    def _merged(self, text: str, root: Node) -> str:
        layout = jsonedit.layout_of(text, root)
        hooks = _part(text, root, _HOOKS, "object")
        if hooks is None:
            value = self._settings(_HOOKS)[_HOOKS]
            return jsonedit.appended(text, root, _HOOKS, value, layout)
        event = _part(text, hooks, _EVENT, "list")
        if event is None:
            return jsonedit.appended(text, hooks, _EVENT, [self._group(_EVENT)], layout)
        return jsonedit.appended(text, event, None, self._group(None), layout)

    def _whole(self, content: Content) -> str:
        """The text of a file that was not there, or had nothing in it."""
        made = "content" if content.text is not None else "file" if content.folder else "folder"
        text = jsonedit.rendered(self._settings(made), jsonedit.Layout()) + "\n"
        blank = content.text or ""
        mark = jsonc.BOM if blank.startswith(jsonc.BOM) else ""
        return f"{mark}{text}{blank.removeprefix(jsonc.BOM)}"

    def _settings(self, made: str | None) -> dict[str, Any]:
        return {_HOOKS: {_EVENT: [self._group(made)]}}

    def _group(self, made: str | None) -> dict[str, Any]:
        hook = {"type": "command", "command": marked(self.command, made), "timeout": TIMEOUT}
        return {"hooks": [hook]}


@dataclass(frozen=True, slots=True)
class _Ours:
    """A hook of ours, and the way to it: object or list, and index in it, from the root to the hook."""

    way: tuple[tuple[Node, int], ...]
    command: Node

    @property
    def root(self) -> Node:
        return self.way[0][0]

    @property
    def alone_in_file(self) -> bool:
        return all(len(node.items) == 1 for node, _ in self.way if node is not self.way[3][0])


def _ours(root: Node) -> Iterator[_Ours]:
    """Each hook of ours, wherever in the event's groups it is by now."""
    for way in _ways(root, (_HOOKS, _EVENT, None, "hooks", None)):
        hooks, index = way[-1]
        command = _command(hooks.items[index].node)
        if command is not None and is_ours(command.value):
            yield _Ours(way, command)


def _ways(node: Node, keys: tuple[str | None, ...]) -> Iterator[tuple[tuple[Node, int], ...]]:
    """Each way down from ``node`` by these keys; None is any item of a list."""
    if not keys:
        yield ()
        return
    for index in _indices(node, keys[0]):
        for further in _ways(node.items[index].node, keys[1:]):
            yield ((node, index), *further)


def _indices(node: Node, key: str | None) -> Iterable[int]:
    """Where ``key`` is in ``node``, if that is an object that has it; None is everywhere in a list."""
    if key is None:
        return range(len(node.items)) if node.kind == "list" else ()
    index = node.find(key) if node.kind == "object" else None
    return () if index is None else (index,)


def _command(hook: Node) -> Node | None:
    return next((hook.items[index].node for index in _indices(hook, "command")), None)


def _root(text: str) -> Node:
    root = jsonc.parse(text)
    if root.kind != "object":
        raise _unexpected(text, root, "the settings are", "object")
    return root


def _part(text: str, of: Node, key: str, kind: jsonc.Kind) -> Node | None:
    """The value of ``key``, None if there is none; EditFailed where it is no ``kind``."""
    index = of.find(key)
    if index is None:
        return None
    node = of.items[index].node
    if node.kind != kind:
        raise _unexpected(text, node, f"`{key}` is", kind)
    return node


def _unexpected(text: str, node: Node, what: str, kind: str) -> EditFailed:
    return EditFailed(
        f"{place(text, node.start)}: {what} no {kind}, as Claude Code's settings have it.",
        hint="mend the file, and try again; nothing in it was changed",
    )


def _without(text: str, ours: _Ours, reach: int) -> str:
    """``text`` without the hook and what was made for it: outwards for as long as it is alone there."""
    _, hooks, event, _, hook = ours.way
    root = ours.way[0]
    if len(hook[0].items) > 1:
        return jsonedit.removed(text, *hook)
    if len(event[0].items) > 1 or reach < _MADE.index(_EVENT) or _has_comments(text, event[0]):
        return jsonedit.removed(text, *event)
    if len(hooks[0].items) > 1 or reach < _MADE.index(_HOOKS) or _has_comments(text, hooks[0]):
        return jsonedit.removed(text, *hooks)
    return jsonedit.removed(text, *root)


def _has_comments(text: str, node: Node) -> bool:
    """Whether somebody has written into what was ours alone, beside the values that count."""
    try:
        json.loads(text[node.start : node.end])
    except ValueError:
        return True
    return False


def _without_all(text: str, root: Node, made: str) -> Content:
    """What was there before a file that is ours from the first to the last brace."""
    end = root.end + (1 if text.startswith("\n", root.end) else 0)
    rest = text[: root.start] + text[end:]
    if made == "content" or not jsonc.is_blank(rest):
        return Content(rest)
    return Content(None, folder=made != "folder")
