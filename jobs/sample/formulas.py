"""The formulas of the village school, each as TeX and as MathML (https://www.w3.org/TR/mathml-core/)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Formula:
    """A quantity, the symbol a lesson asks about, and how it is computed."""

    quantity: str
    symbol: str
    tex: str
    mathml: str


FORMULAS = (
    Formula(
        "area of a round pond",
        "the radius",
        r"A = \pi r^2",
        "<mi>A</mi><mo>=</mo><mi>π</mi><msup><mi>r</mi><mn>2</mn></msup>",
    ),
    Formula(
        "root of a square equation",
        "the coefficient",
        r"x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}",
        "<mi>x</mi><mo>=</mo><mfrac><mrow><mo>-</mo><mi>b</mi><mo>±</mo><msqrt><msup><mi>b</mi><mn>2</mn></msup>"
        "<mo>-</mo><mn>4</mn><mi>a</mi><mi>c</mi></msqrt></mrow><mrow><mn>2</mn><mi>a</mi></mrow></mfrac>",
    ),
    Formula(
        "sum of the first whole numbers",
        "the last number",
        r"\sum_{k=1}^{n} k = \frac{n(n+1)}{2}",
        "<munderover><mo>∑</mo><mrow><mi>k</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><mi>k</mi><mo>=</mo>"
        "<mfrac><mrow><mi>n</mi><mo>(</mo><mi>n</mi><mo>+</mo><mn>1</mn><mo>)</mo></mrow><mn>2</mn></mfrac>",
    ),
    Formula(
        "height of a church tower",
        "the angle",
        r"h = d \tan \alpha",
        "<mi>h</mi><mo>=</mo><mi>d</mi><mi>tan</mi><mi>α</mi>",
    ),
    Formula(
        "swing of a long pendulum",
        "the length",
        r"T = 2\pi\sqrt{\frac{l}{g}}",
        "<mi>T</mi><mo>=</mo><mn>2</mn><mi>π</mi><msqrt><mfrac><mi>l</mi><mi>g</mi></mfrac></msqrt>",
    ),
    Formula(
        "flow under a bridge",
        "the speed of the water",
        r"Q = A \cdot v",
        "<mi>Q</mi><mo>=</mo><mi>A</mi><mo>⋅</mo><mi>v</mi>",
    ),
    Formula(
        "mean of a harvest",
        "the number of farms",
        r"\bar{x} = \frac{1}{n}\sum_{i=1}^{n} x_i",
        "<mover><mi>x</mi><mo>¯</mo></mover><mo>=</mo><mfrac><mn>1</mn><mi>n</mi></mfrac><munderover><mo>∑</mo><mrow>"
        "<mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><msub><mi>x</mi><mi>i</mi></msub>",
    ),
)
