"""The claims: which pairs of cases should be the same training, and which should differ."""

from carryover.job.yaml_file import Params

SIGNS = {"identical": "=", "different": "!="}
"""The sign between the two cases of a claim, by the kind of claim."""


def claims(params: Params) -> dict[str, tuple[str, str, str]]:
    """Return the claims by name: `single_fit = loop_without_reset` is ("single_fit", "=", "loop_without_reset")."""
    return {f"{a} {sign} {b}": (a, sign, b) for kind, sign in SIGNS.items() for a, b in params["claims"][kind]}


def readable(name: str) -> str:
    """Write a claim's name with the sign that people use.

    >>> readable("single_fit != stateless_fit")
    'single_fit ≠ stateless_fit'
    """
    return name.replace("!=", "≠")
