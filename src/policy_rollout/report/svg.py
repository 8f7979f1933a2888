"""The few shapes that our pictures are made of, as escaped SVG. Pure."""

from dataclasses import dataclass, replace
from enum import StrEnum
from xml.sax.saxutils import escape


class Colour(StrEnum):
    PAPER = "#fbfaf7"
    BAND = "#f1eee6"
    INK = "#22262b"
    SOFT = "#5b6470"
    GRID = "#dcd8cd"
    WORK = "#8fb0d3"
    DONE = "#3f8f5f"
    BLOCKED = "#c2410c"
    CHAIN = "#b4235a"
    GATE = "#7c3aed"
    TODAY = "#b45309"
    WAITS = "#f59e0b"
    EFFECTIVE = "#111827"
    FREEZE = "#93c5fd"


@dataclass(frozen=True, slots=True)
class Face:
    """How words look; `to_left` sets them left of their place instead of right."""

    size: int
    fill: Colour
    bold: bool = False
    to_left: bool = False

    def turned(self, *, to_left: bool) -> "Face":
        return replace(self, to_left=to_left)


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float


def words(x: float, y: float, text: str, face: Face, *, hint: str = "") -> str:
    """Words on one line; `hint` shows when the mouse rests on them."""
    end = ' text-anchor="end"' if face.to_left else ""
    weight = ' font-weight="600"' if face.bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{face.size}" fill="{face.fill}"{end}{weight}>'
        f"{_title(hint)}{escape(text)}</text>"
    )


def box(
    at: Box, fill: Colour, *, edge: Colour | None = None, opacity: float = 1, hint: str = ""
) -> str:
    stroke = f' stroke="{edge}" stroke-width="2"' if edge else ""
    see_through = f' fill-opacity="{opacity:g}"' if opacity < 1 else ""
    return (
        f'<rect x="{at.x:g}" y="{at.y:g}" width="{at.width:g}" height="{at.height:g}" '
        f'fill="{fill}"{stroke}{see_through}>{_title(hint)}</rect>'
    )


def upright(x: float, span: tuple[float, float], colour: Colour, *, dashes: str = "") -> str:
    """A line from top to bottom; grid lines are thin, dashed and dark ones are not."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    width = 1 if colour is Colour.GRID else 1.5
    return (
        f'<path d="M{x:g} {span[0]:g}V{span[1]:g}" stroke="{colour}" '
        f'stroke-width="{width}"{dashed}/>'
    )


def diamond(x: float, y: float, fill: Colour, *, hint: str = "") -> str:
    return (
        f'<path d="M{x:g} {y - 7:g}l7 7l-7 7l-7 -7z" fill="{fill}" stroke="{Colour.GATE}" '
        f'stroke-width="2">{_title(hint)}</path>'
    )


def picture(width: int, height: float, title: str, parts: list[str]) -> str:
    """A whole SVG with its own background."""
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}"',
            f' width="{width}" height="{height:g}" font-family="system-ui, sans-serif"',
            f' role="img">{_title(title)}',
            f'<rect width="{width}" height="{height:g}" rx="6" fill="{Colour.PAPER}"/>',
            *parts,
            "</svg>",
        ]
    )


def cut(text: str, most: int) -> str:
    """At most so many letters, the last one a mark where some are missing."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _title(text: str) -> str:
    return f"<title>{escape(cut(text, 160))}</title>" if text else ""
