"""Variants: the networks and the optimizers of a run in which the cases do not all have the same."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from carryover.training.network import Network, OwnNetwork

KEYS = ("cell", "units", "optimizer")
"""The keys of `model`, and the section, that a case may have of its own."""


class Variant(NamedTuple):
    """The network and the optimizer of some of the cases; a part is None where all cases of the run have the same.

    Attributes:
        words: what tells the variant from the others of the run; empty if there is no other.
        cell: the kind of the recurrent layers, as in `model`.
        units: the units of each recurrent layer, as in `model`.
        optimizer: the name and all parameters of the optimizer, as in the section of this name.
    """

    words: str = ""
    cell: str | None = None
    units: tuple[int, ...] | None = None
    optimizer: tuple[tuple[str, Any], ...] | None = None

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> "Variant":
        """Return the variant of this `definition`; a case may define one too, without words."""
        units, optimizer = definition.get("units"), definition.get("optimizer")
        return cls(
            definition.get("variant", ""),
            definition.get("cell"),
            None if units is None else tuple(units),
            None if optimizer is None else tuple(sorted(optimizer.items())),
        )

    @property
    def definition(self) -> dict[str, Any]:
        """The variant as JSON: the keys of a case, and its words as `variant`."""
        units = None if self.units is None else list(self.units)
        optimizer = None if self.optimizer is None else dict(self.optimizer)
        keys = {"variant": self.words or None, "cell": self.cell, "units": units, "optimizer": optimizer}
        return {key: value for key, value in keys.items() if value is not None}

    @property
    def name(self) -> str:
        """The variant's name in tables.

        >>> Variant("gru, 20 and 20 units").name
        'gru_20_and_20_units'
        """
        return self.words.replace(",", "").replace(" ", "_")

    @property
    def in_brackets(self) -> str:
        """The variant after a noun.

        >>> f"networks{Variant('gru').in_brackets}", f"networks{Variant().in_brackets}"
        ('networks (gru)', 'networks')
        """
        return f" ({self.words})" if self.words else ""

    def network(self, of_the_run: Network | OwnNetwork) -> Network | OwnNetwork:
        """Return the network of the variant. That of your own file has neither cell nor units to change."""
        changes: dict[str, Any] = {key: self.definition[key] for key in ("cell", "units") if key in self.definition}
        return of_the_run._replace(**changes)


ONLY = Variant()
"""The only variant of a run in which all cases have the same network and optimizer."""


def variant_of(name: str, params: Mapping[str, Any]) -> Variant:
    """Return the variant of a case: whatever some case of the run has of its own is a part of the variant of each.

    >>> cases = {"a": {"cell": "gru"}, "b": {}}
    >>> params = {"model": {"cell": "lstm", "units": [10]}, "optimizer": {"name": "sgd"}, "cases": cases}
    >>> variant_of("a", params).words, variant_of("b", params).words
    ('gru', 'lstm')

    Args:
        name: of the case.
        params: the parameters of the run.
    """
    cases = params["cases"]
    if not any(key in case for case in cases.values() for key in KEYS):
        return ONLY
    of_the_run = params["model"] | {"optimizer": params["optimizer"]}
    whole = {name: Variant.of(of_the_run | case) for name, case in cases.items()}
    alike = [key for key in KEYS if len({getattr(variant, key) for variant in whole.values()}) == 1]
    nothing: dict[str, Any] = dict.fromkeys(alike)
    own = whole[name]._replace(**nothing)
    return own._replace(words=_words(own, whole.values()))


def _words(own: Variant, every: Iterable[Variant]) -> str:
    """Say what tells a variant from every other of the run."""
    parts = [own.cell] if own.cell else []
    if own.units:
        parts.append(f"{' and '.join(map(str, own.units))} units")
    if own.optimizer:
        optimizer = dict(own.optimizer)
        others = [other for variant in every if (other := dict(variant.optimizer or ()))["name"] == optimizer["name"]]
        varied = [key for key in optimizer if len({other[key] for other in others}) > 1]
        settings = " and ".join(f"{key} {optimizer[key]}" for key in varied)
        parts.append(f"{optimizer['name']} with {settings}" if settings else optimizer["name"])
    return ", ".join(parts)
