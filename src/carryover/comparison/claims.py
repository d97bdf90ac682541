"""The claims: which pairs of cases are said to be the same training, and which are not."""

from carryover.job.yaml_file import Params

SIGNS = {"identical": "=", "different": "!="}
"""How a kind of claim is written between its two cases."""


def claims(params: Params) -> dict[str, tuple[str, str, str]]:
    """The claims by name: `single_fit = loop_without_reset` is ("single_fit", "=", "loop_without_reset")."""
    return {f"{a} {sign} {b}": (a, sign, b) for kind, sign in SIGNS.items() for a, b in params["claims"][kind]}
