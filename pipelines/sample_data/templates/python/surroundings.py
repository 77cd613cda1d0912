"""Python functions that stand around a change and have no part in it; they import nothing."""

FRAGMENTS: tuple[str, ...] = (
    r'''
def is_blank_$text(value):
    """Return True when no $text was given."""
    return value is None or not value.strip()
''',
    r'''
def describe_$other($item):
    """One line for the log of the $owner."""
    parts = ["$other", str($item.get("id", "?"))]
    if $item.get("$text"):
        parts.append($item["$text"])
    return " ".join(parts)
''',
    r'''
def ${amount}_bounds($others):
    """Smallest and largest $amount, or (0, 0) where there are no $others."""
    values = [one["$amount"] for one in $others if one.get("$amount") is not None]
    if not values:
        return 0, 0
    return min(values), max(values)
''',
    r'''
class ${Other}Error(Exception):
    """Raised when a $other cannot be used by the $owner."""

    def __init__(self, ${other}_id, reason):
        super().__init__(f"$other {${other}_id}: {reason}")
        self.${other}_id = ${other}_id
        self.reason = reason
''',
    r'''
def split_${others}_line(line, separator=";"):
    """Cut one exported line into its stripped fields."""
    return [part.strip() for part in line.rstrip("\n").split(separator)]
''',
    r'''
def clamp_$amount(value, low=0, high=$limit):
    """Keep a $amount inside what the $owner allows."""
    return max(low, min(high, value))
''',
    r'''
def group_${others}_by_$text($others):
    """Map every $text to the $others that carry it."""
    groups = {}
    for one in $others:
        groups.setdefault(one["$text"], []).append(one)
    return groups
''',
    r'''
def ${owner}_greeting(first, last):
    """How a letter to the $owner begins."""
    full = " ".join(part for part in (first, last) if part)
    return f"Dear {full}," if full else "Dear $owner,"
''',
    r'''
class ${Other}Counter:
    """Counts $others per day for the monthly overview."""

    def __init__(self):
        self._days = {}

    def add(self, day, number=1):
        self._days[day] = self._days.get(day, 0) + number

    def busiest(self):
        return max(self._days, key=self._days.get, default=None)
''',
)
