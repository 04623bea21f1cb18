"""Tables of numbers as Markdown."""

import math
import numbers

import pandas as pd


def cell(value: str | float) -> str:
    """Write a value for a table: three digits, nothing where it is missing."""
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "-"
    whole = isinstance(value, numbers.Integral) or abs(value) >= 100
    return f"{value:,.0f}" if whole else f"{value:.3g}"


def markdown(table: pd.DataFrame) -> str:
    """Write a table as Markdown, numbers to the right.

    Args:
        table: its index is left out.

    Returns:
        Lines without a final line break.
    """
    is_number = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    rows = [
        list(map(str, table.columns)),
        ["---:" if right else "---" for right in is_number],
        *(map(cell, row) for row in table.itertuples(index=False)),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
