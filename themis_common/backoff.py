"""The pause before another attempt: truncated exponential back-off with full jitter."""

import random


def full_jitter(attempts: int, *, first: float, longest: float, jitter: random.Random) -> float:
    """Seconds to wait after so many failed attempts, counted from 1.

    Args:
        first: upper bound in seconds of the first pause; it doubles with every further one.
        longest: upper bound in seconds of any pause.
        jitter: draws the pause evenly between nothing and its bound, so that those who failed together do not come
            back together.
    """
    return jitter.uniform(0.0, min(longest, first * 2.0 ** (attempts - 1)))
