"""The steps of a workflow's jobs in YAML, with their positions; putting a line in, and taking it out again.

PyYAML's nodes say where a thing begins; where it ends they say for what stands on a line, which is enough:
a step ends with its last line. Comments and everything else stay, since only whole lines are put in or taken
out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandkube.errors import EditFailed

__all__ = ["Job", "Step", "jobs", "plain", "scalar", "with_lines_behind", "without_lines"]

_MEND: Final = "mend the file, and try again; nothing in it was changed"
_BREAKS: Final = "\n"
_DASH: Final = re.compile(r"(?P<indent> *)-(?=\s)")


@dataclass(frozen=True, slots=True)
class Step:
    """A step, with what it uses, if anything; its lines are ``text[start:end]``, its dash at ``column``."""

    uses: str | None
    start: int
    end: int
    column: int


@dataclass(frozen=True, slots=True)
class Job:
    """A job, and its steps in order. ``block`` is whether each step has lines of its own."""

    name: str
    steps: tuple[Step, ...]
    block: bool


def jobs(text: str) -> list[Job]:
    """The jobs of a workflow; EditFailed, with line and column, for what is no YAML or no workflow."""
    root = _compose(text)
    try:
        found = [_job(text, name, node) for name, node in _pairs(_value(root, "jobs"))]
    except RecursionError:  # an alias within what it names
        raise EditFailed("{file} refers to itself, which is not understood here.", hint=_MEND) from None
    if not found:
        raise EditFailed("{file} has no `jobs`, so it is no workflow.", hint="name another file with --file")
    return found


def plain(text: str) -> Any:
    """What the YAML says, every scalar as text; None where it is no YAML."""
    import yaml

    try:
        return yaml.load(text, yaml.BaseLoader)  # noqa: S506 -- it makes nothing but texts, lists and dicts
    except (yaml.YAMLError, RecursionError):
        return None


def scalar(text: str) -> str:
    """``text`` as YAML that is read as that text: in quotes where it would be a number or the like."""
    import yaml

    # By YAML 1.1, which PyYAML reads, and by 1.2, to which `1e3` is a number.
    return text if text[0].isalpha() and yaml.safe_load(text) == text else f'"{text}"'


def with_lines_behind(text: str, step: Step, lines: Sequence[str]) -> str:
    """``text`` with ``lines`` at the step's depth behind the step's last line."""
    newline = "\r\n" if "\r\n" in text else "\n"
    whole = newline.join(f"{' ' * step.column}{line}" for line in lines)
    if text[: step.end].endswith(_BREAKS):
        return f"{text[: step.end]}{whole}{newline}{text[step.end :]}"
    return f"{text[: step.end]}{newline}{whole}{text[step.end :]}"


def without_lines(text: str, step: Step) -> str:
    """``text`` without the step's lines."""
    start = step.start
    if not text[: step.end].endswith(_BREAKS):  # the last line, without an end: it came with the break before
        start -= 2 if text[:start].endswith("\r\n") else 1
    return text[:start] + text[step.end :]


def _compose(text: str) -> Any:
    import yaml

    try:
        # The loader in Python: that in C counts positions in bytes.
        return yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{{file}}:{mark.line + 1}:{mark.column + 1}" if mark else "{file}"
        raise EditFailed(
            f"{where}: {error.problem or error.context}.",
            hint=_MEND,
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise EditFailed(
            f"{{file}} is no YAML: {str(error).splitlines()[0] if str(error) else 'nested too deeply'}.",
            hint=_MEND,
        ) from error


def _pairs(node: Any) -> Iterator[tuple[str, Any]]:
    """Key and value of a mapping's entries; nothing for any other node."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield str(key.value), value


def _value(node: Any, key: str) -> Any:
    """The last of that key, as PyYAML has it."""
    found = [value for name, value in _pairs(node) if name == key]
    return found[-1] if found else None


def _job(text: str, name: str, node: Any) -> Job:
    import yaml

    steps = _value(node, "steps")
    if not isinstance(steps, yaml.SequenceNode):
        return Job(name, (), block=False)
    if steps.flow_style:
        return Job(name, (), block=False)
    return Job(name, tuple(_step(text, step) for step in steps.value), block=True)


def _step(text: str, node: Any) -> Step:
    """The step's lines, from the line of its dash to that of the last thing in it."""
    import yaml

    uses = _value(node, "uses")
    start = text.rfind(_BREAKS, 0, node.start_mark.index) + 1
    while (dash := _DASH.match(text, start)) is None and start:  # the dash may have a line of its own
        start = text.rfind(_BREAKS, 0, start - 1) + 1
    return Step(
        uses.value if isinstance(uses, yaml.ScalarNode) else None,
        start,
        _end_of_line(text, _end(node)),
        len(dash["indent"]) if dash else 0,
    )


def _end(node: Any) -> int:
    """Where the last scalar, or bracket, of the node ends."""
    import yaml

    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    if isinstance(node, yaml.MappingNode):
        return max(_end(part) for pair in node.value for part in pair)
    return max(_end(part) for part in node.value)


def _end_of_line(text: str, position: int) -> int:
    """Behind the line break of the line that ``position`` is on; where a line begins there, that is it."""
    if text[:position].endswith(_BREAKS):
        return position
    found = text.find(_BREAKS, position)
    return len(text) if found == -1 else found + 1
