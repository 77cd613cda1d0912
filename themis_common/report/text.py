"""How numbers are written: the same in the page, the Markdown table and the summary."""

from collections.abc import Mapping


def percent(share: float | None, decimals: int = 1) -> str:
    """0.6123 -> "61.2%"; a dash where there is no number."""
    return "\u2013" if share is None else f"{100 * share:.{decimals}f}%"


def points(difference: float, decimals: int = 1) -> str:
    """A difference of shares in percentage points, always signed: 0.031 -> "+3.1"."""
    return f"{100 * difference:+.{decimals}f}".replace("-", "\u2212")


def count(number: int) -> str:
    """12345 -> "12,345"."""
    return f"{number:,}"


def counts(numbers: Mapping[str, int]) -> str:
    """Numbers by key as a sentence lists them: "parse 2, too long 1,240"."""
    return ", ".join(f"{words(key)} {count(number)}" for key, number in sorted(numbers.items()))


def duration(seconds: float) -> str:
    """Seconds as a person says them: "0.8 s", "4 min 12 s", "2 h 05 min"."""
    if seconds < 0.05:
        return "< 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def p_value(value: float) -> str:
    """A p-value without false precision."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def words(key: str) -> str:
    """A key as words: "Runtime_Efficiency" -> "Runtime Efficiency"."""
    return key.replace("_", " ")
