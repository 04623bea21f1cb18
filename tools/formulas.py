"""Formulas for a page that loads nothing: SVG to see, MathML to be read."""

import re

import ziamath
from latex2mathml import converter

EM = 17.5  # pixels of a formula drawn at the size of the text
ziamath.config.svg2 = False  # whole paths: no names that two formulas share
ziamath.config.precision = 1


def formula(latex: str, block: bool = False) -> str:
    """Return a formula as HTML: an SVG, and MathML that is only read."""
    drawn = ziamath.Latex(latex, size=EM, color="currentColor", inline=True)
    if block:
        drawn = ziamath.Latex(latex, size=EM, color="currentColor")
    width, height = (x / EM for x in drawn.getsize())
    svg = re.sub(r' (width|height)="[\d.]+"', "", drawn.svg(), count=2)
    place = f"width:{width:.2f}em;height:{height:.2f}em;"
    place += f"vertical-align:{drawn.getyofst() / EM:.2f}em"
    svg = svg.replace("<svg", f'<svg aria-hidden="true" style="{place}"', 1)
    read = converter.convert(latex, display="block" if block else "inline")
    return f"{svg}{read}"
