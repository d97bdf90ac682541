"""The exception that the steps turn into one line for the user, and words that such lines share."""

import difflib
from collections.abc import Callable, Iterable, Sequence

NAMED = 3
"""How many files a message names."""


class UserError(Exception):
    """An error that the user can fix. Its message is one line: where, what is wrong, and what to do."""


def some(paths: Sequence[str]) -> str:
    """Name the first of some files in a message, and count the others.

    >>> some(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    return ", ".join(paths[:NAMED]) + (f" and {len(paths) - NAMED} more" if paths[NAMED:] else "")


def hint(word: str, known: Iterable[str], spelled: Callable[[str], str] = str) -> str:
    """Return the end of a message about an unknown word: the known word that is like it, or else all of them.

    Args:
        word: the unknown word.
        known: the words that it could have been.
        spelled: how to write a known word.

    >>> hint("ltsm", ["lstm", "gru"])
    '; did you mean lstm?'
    >>> hint("transformer", ["lstm", "gru"])
    '; there are lstm, gru'
    """
    words = list(known)
    near = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean {spelled(near[0])}?" if near else f"; there are {', '.join(map(spelled, words)) or 'none'}"
