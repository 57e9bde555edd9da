"""Expressions of OTB's BandMathX: an image computed from images by a formula.

`parse` reads an expression and checks its sizes, before any pixel is read. The
`Expression` that it gives computes a block of an image, for all pixels at once:

1. `tokens` cuts the text into numbers, names and signs.
2. `grammar` reads them in the order of muParserX, the parser of BandMathX.
3. `programs` notes the steps of the computation, and which size each value has.
   `variables`, `operators` and `functions` say what the names and signs mean.
4. `evaluation` runs the steps on a block of pixels; `blocks` are its arrays.

No text is ever given to Python to run: a name means what is listed here, or is refused.

As in BandMathX, all numbers are float64, a pixel is a row of its bands, and values of
different sizes are never adjusted to each other: `im1 + 1` is refused, and
`im1 + {1, 1, 1}` or `im1b1 + 1` is right. Where OTB stops at a complex number, such as
`sqrt(-1)`, the result here is nan.
"""

from tutorial_lib.compat.expressions.blocks import Statistic
from tutorial_lib.compat.expressions.errors import ExpressionError
from tutorial_lib.compat.expressions.evaluation import Expression, parse

__all__ = ["Expression", "ExpressionError", "Statistic", "parse"]
