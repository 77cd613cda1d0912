"""The two kinds of failure that Themis tells apart from a defect.

Everything else (a broken invariant, an unexpected exception) fails loudly with its traceback.
"""


class UserError(ValueError):
    """Something only the user can mend: a wrong path, column, key or value.

    The message is one line that names the file, row or key and says what to do. The command line prints it
    without a traceback and exits with 2.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class TransientError(RuntimeError):
    """A fault of the outside world that a later attempt may not meet (503, reset, 429, preemption)."""
