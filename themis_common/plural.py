"""Numbers of things, as a person says them."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number of things: "1 pair", "1,200 pairs".

    Args:
        plural: of the noun, where it is not the noun and an s.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
