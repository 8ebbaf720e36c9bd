"""Plots as SVG, written by hand: bars and lines are a page of text; a plotting library would be 60 MB.

A plot is a text file that a diff can show, looks the same on every machine, and needs nothing to be drawn.
A file holds one chart or several, one below the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

NAMESPACE = "http://www.w3.org/2000/svg"
WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 72, 24, 48, 44
MOST_POINTS = 240  # of a line: more than a screen shows at this width
MARKED = 60  # a line of fewer points has each of them marked
# Okabe and Ito's colours, which everybody can tell apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars for each group: ``{"idle": {"ours": 146, "four processes": 250}}``."""

    title: str
    unit: str
    groups: Mapping[str, Mapping[str, float]]

    def parts(self) -> list[str]:
        """Its elements."""
        names = list(dict.fromkeys(name for group in self.groups.values() for name in group))
        top = _nice(max((value for group in self.groups.values() for value in group.values()), default=1))
        room = (WIDTH - LEFT - RIGHT) / max(len(self.groups), 1)
        width = room * 0.8 / max(len(names), 1)
        parts = [*_frame(self.title, self.unit, top), *_legend(names)]
        for place, (label, group) in enumerate(self.groups.items()):
            start = LEFT + room * (place + 0.1)
            parts.append(_text(start + room * 0.4, HEIGHT - BOTTOM + 18, label, "middle"))
            for name, value in group.items():
                at = names.index(name)
                high = _high(value, top)
                x, y = start + width * at, HEIGHT - BOTTOM - high
                parts.append(
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="{width * 0.92:.1f}" height="{high:.1f}" '
                    f'fill="{COLOURS[at % len(COLOURS)]}">'
                    f"<title>{escape(name)}: {value:g} {escape(self.unit)}</title></rect>"
                )
                parts.append(_text(x + width * 0.46, y - 3, f"{value:.3g}", "middle", size=10))
        return parts


@dataclass(frozen=True, slots=True)
class Lines:
    """A line for each series of (x, y). ``limit`` is drawn across; y ends at ``top`` where given."""

    title: str
    x_unit: str
    unit: str
    series: Mapping[str, Points]
    limit: float | None = None
    top: float | None = None
    dashed: Mapping[str, Points] = field(default_factory=dict)

    def parts(self) -> list[str]:
        """Its elements."""
        every = {**self.series, **self.dashed}
        values = [y for line in every.values() for _, y in line]
        top = self.top or _nice(max([*values, self.limit or 0], default=1))
        far = max((x for line in every.values() for x, _ in line), default=1) or 1
        parts = [*_frame(self.title, self.unit, top), *_legend(list(every))]
        for step in range(6):
            x = LEFT + (WIDTH - LEFT - RIGHT) * step / 5
            parts.append(_text(x, HEIGHT - BOTTOM + 18, f"{far * step / 5:.4g}", "middle"))
        parts.append(_text(WIDTH - RIGHT, HEIGHT - 8, self.x_unit, "end"))
        if self.limit is not None:
            y = HEIGHT - BOTTOM - _high(self.limit, top)
            parts.append(
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#a00" '
                'stroke-dasharray="2 3"/>'
            )
        for at, (name, line) in enumerate(every.items()):
            parts += _line(line, far, top, COLOURS[at % len(COLOURS)], dashed=name in self.dashed)
        return parts


def draw(*charts: Bars | Lines) -> str:
    """The charts as one SVG document."""
    height = HEIGHT * max(len(charts), 1)
    parts = [
        f'<svg xmlns="{NAMESPACE}" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for place, chart in enumerate(charts):
        parts += [f'<g transform="translate(0,{HEIGHT * place})">', *chart.parts(), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def thinned(points: Points, most: int = MOST_POINTS) -> list[tuple[float, float]]:
    """No more points than that: of each stretch of them the least and the most, in their order."""
    if len(points) <= most:
        return list(points)
    length = math.ceil(2 * len(points) / most)
    found: list[tuple[float, float]] = []
    for begin in range(0, len(points), length):
        stretch = points[begin : begin + length]
        ends = {min(stretch, key=lambda one: one[1]), max(stretch, key=lambda one: one[1])}
        found += sorted(ends)
    return found


def _line(line: Points, far: float, top: float, colour: str, *, dashed: bool) -> list[str]:
    points = [
        (LEFT + (WIDTH - LEFT - RIGHT) * x / far, HEIGHT - BOTTOM - _high(min(y, top), top))
        for x, y in thinned(line)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    look = ' stroke-dasharray="6 4"' if dashed else ""
    parts = [f'<polyline fill="none" stroke="{colour}" stroke-width="1.5"{look} points="{path}"/>']
    if not dashed and len(points) <= MARKED:
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in points]
    return parts


def _frame(title: str, unit: str, top: float) -> list[str]:
    parts = [_text(LEFT, 20, title, "start", weight="bold"), _text(8, TOP - 14, unit, "start")]
    for step in range(6):
        value = top * step / 5
        y = HEIGHT - BOTTOM - _high(value, top)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ccc"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{value:.4g}", "end"))
    return parts


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], float(LEFT + 40)
    for at, name in enumerate(names):
        parts.append(
            f'<rect x="{x:.1f}" y="{TOP - 22}" width="10" height="10" fill="{COLOURS[at % len(COLOURS)]}"/>'
        )
        parts.append(_text(x + 14, TOP - 13, name, "start"))
        x += 30 + 7 * len(name)
    return parts


def _text(x: float, y: float, words: str, anchor: str, *, weight: str = "", size: int = 0) -> str:
    look = (f' font-weight="{weight}"' if weight else "") + (f' font-size="{size}"' if size else "")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{look}>{escape(words)}</text>'


def _high(value: float, top: float) -> float:
    return (HEIGHT - TOP - BOTTOM) * value / top


def _nice(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    if value <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)
