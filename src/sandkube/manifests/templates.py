"""Which line of a template each line of what it rendered came from.

The template engine does not tell. But most of a template's text is in its output as it stands, so the two
are aligned: each line of the output is given the line of the template that it most likely came from, such
that the whole costs least (the Viterbi algorithm). A line of a template is what stands outside of ``{{ }}``;
it costs nothing where all of that is in the output's line in this order, and the more the less of it is. To
go on with the next line is free, to leave lines out (a condition) costs little, to stay (``toYaml`` gives
several lines) a little more, and to go back (a loop) more.

Theory of operation:

1. A line that only controls (``{{- if … }}``, ``{{- end }}``, ``{{/* … */}}``) gives no output.
2. A line with a value action may give any line, at a cost that falls with the literal text it has in common.
3. A line without actions gives itself alone.
4. An empty line is where the line before it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_CONTROL = re.compile(r"(if|else|end|range|with|define|block|break|continue|/\*|\$\w+\s*:?=|fail)\b|/\*")
_FORBIDDEN = 1_000.0
_SKIP, _SKIPPED_LINE, _STAY, _BACK = 1.0, 0.02, 1.5, 3.0
_ANYTHING = 4.0
# The time that aligning takes grows with the product of the two; no chart's template is near it.
_MOST = 4_000_000


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a template: the literal parts between its actions, and whether it gives a value."""

    literals: tuple[str, ...]
    value: bool
    number: int

    def cost(self, output: str) -> float:
        """What it costs to take ``output`` for this line's."""
        if not self.value:
            return 0.0 if self.literals[0] == output else _FORBIDDEN
        at, matched, total = 0, 0, 0
        for part in self.literals:
            total += len(part)
            found = output.find(part, at) if part else at
            if found >= 0:
                at, matched = found + len(part), matched + len(part)
        if not total:
            return _ANYTHING / 2
        if not output.startswith(self.literals[0]):
            return _ANYTHING
        return 0.0 if matched == total else _ANYTHING * (1 - matched / total) + 1


def origins(template: str, output: Sequence[str]) -> list[int]:
    """For each line of ``output`` the number of its line in ``template``, from 1.

    An empty list where that cannot be said: an empty template, or one that is too large.
    """
    lines = _giving(template)
    texts = [line.strip() for line in output if line.strip()]
    if not lines or not texts or len(lines) * len(texts) > _MOST:
        return []
    states = iter(_cheapest(lines, texts))
    found, last = [], lines[0].number
    for line in output:
        if line.strip():
            last = lines[next(states)].number
        found.append(last)
    return found


def _giving(template: str) -> list[_Line]:
    """The lines of a template that may give output."""
    # an action may span lines: what is left of it stands in its first one
    flat = _ACTION.sub(lambda found: found[0].replace("\n", " ") + "\n" * found[0].count("\n"), template)
    lines = []
    depth = 0
    for number, line in enumerate(flat.split("\n"), 1):
        actions = _ACTION.findall(line)
        depth += sum(1 if re.match(r"define\b", one) else 0 for one in actions)
        values = [one for one in actions if not _CONTROL.match(one)]
        literals = tuple(
            part.strip() if at == 0 else part for at, part in enumerate(_ACTION.sub("\0", line).split("\0"))
        )
        literals = (*literals[:-1], literals[-1].rstrip())
        if depth or (not values and not any(part.strip() for part in literals)):
            if depth and any(re.match(r"end\b", one) for one in actions):
                depth = 0
            continue
        lines.append(_Line(literals, bool(values) or len(literals) > 1, number))
    return lines


def _cheapest(lines: Sequence[_Line], output: Sequence[str]) -> list[int]:
    """The cheapest row of states, one for each line of the output."""
    count = len(lines)
    costs = [
        line.cost(output[0]) + (_SKIP + _SKIPPED_LINE * at if at else 0.0) for at, line in enumerate(lines)
    ]
    came: list[list[int]] = []
    for text in output[1:]:
        best_before, best_at = [0.0] * count, [0] * count
        # the cheapest way here from any line further up, leaving out what is between
        cheapest, where = float("inf"), 0
        for at in range(count):
            best_before[at], best_at[at] = cheapest + _SKIP + _SKIPPED_LINE * at, where
            if at and costs[at - 1] <= best_before[at]:
                best_before[at], best_at[at] = costs[at - 1], at - 1
            stay = costs[at] + _STAY
            if lines[at].value and stay < best_before[at]:
                best_before[at], best_at[at] = stay, at
            if costs[at] - _SKIPPED_LINE * at < cheapest:
                cheapest, where = costs[at] - _SKIPPED_LINE * at, at
        # back to a line further up
        cheapest, where = float("inf"), 0
        for at in range(count - 1, -1, -1):
            if cheapest + _BACK < best_before[at]:
                best_before[at], best_at[at] = cheapest + _BACK, where
            if costs[at] < cheapest:
                cheapest, where = costs[at], at
        costs = [before + line.cost(text) for before, line in zip(best_before, lines, strict=True)]
        came.append(best_at)
    state = min(range(count), key=costs.__getitem__)
    states = [state]
    for back in reversed(came):
        state = back[state]
        states.append(state)
    return states[::-1]
