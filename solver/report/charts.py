"""Small charts as SVG text. Their colours are CSS classes, so that they follow the page's theme.

Numbers only come in: nothing that a file could have named ends up in a chart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

WIDTH, HEIGHT = 320, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 30, 12, 14, 30


@dataclass(frozen=True)
class Part:
    """One share of a bar: its CSS class, what it is called, and how many."""

    css: str
    name: str
    count: int


def _svg(label: str, height: int, body: Sequence[str]) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">'
        + "".join(body)
        + "</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str = "middle", css: str = "axis") -> str:
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _rect(css: str, x: float, y: float, width: float, height: float, title: str) -> str:
    return (
        f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}">'
        f"<title>{title}</title></rect>"
    )


def share_bar(parts: Sequence[Part]) -> str:
    """One bar of the whole width, divided as the parts are; the legend stands below it."""
    total = sum(part.count for part in parts) or 1
    body, x = [], 0.0
    for part in parts:
        if not part.count:
            continue
        width = WIDTH * part.count / total
        body.append(_rect(part.css, x, 0, max(width - 1, 0.5), 34, f"{part.name}: {part.count}"))
        if width > 9 * len(str(part.count)):
            body.append(_text(x + width / 2, 22, str(part.count), css="inbar"))
        x += width
    label = ", ".join(f"{part.name} {part.count}" for part in parts)
    return _svg(label, 34, body)


def _axis(top: float, right_label: str, unit: str) -> list[str]:
    bottom = HEIGHT - _BOTTOM
    return [
        f'<path class="rule" d="M{_LEFT} {bottom}H{WIDTH - _RIGHT}"/>',
        f'<path class="rule faint" d="M{_LEFT} {_TOP}H{WIDTH - _RIGHT}"/>',
        _text(_LEFT - 4, _TOP + 4, f"{top:g}{unit}", "end"),
        _text(_LEFT - 4, bottom + 3, "0", "end"),
        _text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 3, right_label),
    ]


def histogram(groups: Sequence[tuple[str, str, Sequence[float]]], edges: Sequence[float], unit: str) -> str:
    """Stacked columns: ``groups`` of (CSS class, name, values), counted between ``edges``.

    The last bin holds its upper edge and what lies above it.
    """
    bins = len(edges) - 1
    counts = [[0] * bins for _ in groups]
    for row, (_, _, values) in zip(counts, groups, strict=True):
        for value in values:
            row[min(max(sum(value >= edge for edge in edges) - 1, 0), bins - 1)] += 1
    top = max(1, *(sum(column) for column in zip(*counts, strict=True)))
    room, bottom = HEIGHT - _TOP - _BOTTOM, HEIGHT - _BOTTOM
    step = (WIDTH - _LEFT - _RIGHT) / bins
    body = _axis(top, unit, "")
    for index in range(bins):
        y = bottom
        for row, (css, name, _) in zip(counts, groups, strict=True):
            tall = room * row[index] / top
            y -= tall
            if tall:
                title = f"{edges[index]:g} to {edges[index + 1]:g}, {name}: {row[index]}"
                body.append(_rect(css, _LEFT + index * step + 1, y, step - 2, tall, title))
    body += [
        _text(_LEFT + n * step, bottom + 12, f"{edges[n]:g}")
        for n in range(0, bins + 1, max(1, ceil(bins / 5)))
    ]
    return _svg(f"tasks by {unit}", HEIGHT, body)


def nice_edges(values: Sequence[float], bins: int = 10) -> list[float]:
    """Edges from 0 to just past the largest value, at steps of 1, 2 or 5 times a power of ten."""
    largest = max(values, default=0) or 1.0
    power = 10.0 ** floor(log10(largest / bins))
    step = next(m * power for m in (1, 2, 5, 10) if m * power * bins >= largest)
    count = max(1, ceil(largest / step))
    return [round(n * step, 10) for n in range(count + 1)]


def share_columns(shares: Sequence[tuple[str, float]], line: float, line_name: str, unit: str) -> str:
    """A column for each (name, share 0..1), and a line across at the share that was reached."""
    top = max([share for _, share in shares] + [line, 0.01])
    top = min(1.0, ceil(top * 20) / 20)
    room, bottom = HEIGHT - _TOP - _BOTTOM, HEIGHT - _BOTTOM
    step = (WIDTH - _LEFT - _RIGHT) / len(shares)
    body = _axis(100 * top, unit, "%")
    labels = []
    for index, (name, share) in enumerate(shares):
        tall = room * share / top
        x = _LEFT + index * step
        body.append(_rect("covered", x + 6, bottom - tall, step - 12, tall, f"{name}: {100 * share:.2f} %"))
        labels.append(_text(x + step / 2, bottom - tall - 3, f"{100 * share:.1f}"))
        labels.append(_text(x + step / 2, bottom + 12, name))
    y = bottom - room * line / top
    body.append(
        f'<path class="reached" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"><title>{line_name}: '
        f"{100 * line:.2f} %</title></path>"
    )
    label = ", ".join(f"{name}: {100 * share:.1f} %" for name, share in shares)
    return _svg(f"{unit}: {label}; {line_name}: {100 * line:.1f} %", HEIGHT, body + labels)
