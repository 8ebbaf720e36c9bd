"""Plots as SVG, written by hand: bars and lines are a page of text; a plotting library would be 60 MB.

A plot is a text file that a diff can show, looks the same on every machine, and needs nothing to be drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 72, 24, 44, 48
# Okabe and Ito's colours, which everybody can tell apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def bars(title: str, unit: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Bars for each group: ``{"idle": {"ours": 146, "four processes": 250}}``."""
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    top = _nice(max((value for group in groups.values() for value in group.values()), default=1))
    room = (WIDTH - LEFT - RIGHT) / max(len(groups), 1)
    width = room * 0.8 / max(len(names), 1)
    parts = [*_frame(title, unit, top), *_legend(names)]
    for place, (label, group) in enumerate(groups.items()):
        start = LEFT + room * (place + 0.1)
        parts.append(_text(start + room * 0.4, HEIGHT - BOTTOM + 18, label, "middle"))
        for name, value in group.items():
            at = names.index(name)
            high = _high(value, top)
            x, y = start + width * at, HEIGHT - BOTTOM - high
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width * 0.92:.1f}" height="{high:.1f}" '
                f'fill="{COLOURS[at % len(COLOURS)]}">'
                f"<title>{escape(name)}: {value:g} {escape(unit)}</title></rect>"
            )
    return _svg(parts)


def lines(title: str, x_unit: str, unit: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Lines over x: ``{"memory": [(0, 140), (10, 142)]}``; both axes begin at 0."""
    points = [point for line in series.values() for point in line]
    top = _nice(max((y for _, y in points), default=1))
    far = max((x for x, _ in points), default=1) or 1
    parts = [*_frame(title, unit, top), *_legend(list(series))]
    for step in range(6):
        x = LEFT + (WIDTH - LEFT - RIGHT) * step / 5
        parts.append(_text(x, HEIGHT - BOTTOM + 18, f"{far * step / 5:.4g}", "middle"))
    parts.append(_text(WIDTH - RIGHT, HEIGHT - 8, x_unit, "end"))
    for at, line in enumerate(series.values()):
        path = " ".join(
            f"{LEFT + (WIDTH - LEFT - RIGHT) * x / far:.1f},{HEIGHT - BOTTOM - _high(y, top):.1f}"
            for x, y in line
        )
        colour = COLOURS[at % len(COLOURS)]
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{path}"/>')
    return _svg(parts)


def _frame(title: str, unit: str, top: float) -> list[str]:
    parts = [_text(LEFT, 20, title, "start", weight="bold"), _text(8, TOP - 10, unit, "start")]
    for step in range(6):
        value = top * step / 5
        y = HEIGHT - BOTTOM - _high(value, top)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ccc"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{value:g}", "end"))
    return parts


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], float(LEFT + 40)
    for at, name in enumerate(names):
        parts.append(
            f'<rect x="{x:.1f}" y="{TOP - 18}" width="10" height="10" fill="{COLOURS[at % len(COLOURS)]}"/>'
        )
        parts.append(_text(x + 14, TOP - 9, name, "start"))
        x += 30 + 7 * len(name)
    return parts


def _text(x: float, y: float, words: str, anchor: str, *, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'
    )


def _svg(parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">'
    )
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', *parts, "</svg>", ""])


def _high(value: float, top: float) -> float:
    return (HEIGHT - TOP - BOTTOM) * value / top


def _nice(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    if value <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)
