"""Variants: the networks, optimizers and backends of a run in which the cases do not all have the same."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from carryover.training.network import Network, OwnNetwork

KEYS = ("cell", "units", "optimizer", "backend")
"""The keys of a case that make a variant."""

TENSORFLOW = "tensorflow"
"""The backend of a case that names none. It alone trains replicates and forecasts."""


class Variant(NamedTuple):
    """What some of the cases are trained with; a part is None where all cases have what the run has.

    Attributes:
        words: what tells the variant from the others of the run; empty if there is no other.
        cell: the kind of the recurrent layers, as in `model`.
        units: the units of each recurrent layer, as in `model`.
        optimizer: the name and all parameters of the optimizer, as in the section of this name.
        backend: the backend of Keras; None for TensorFlow.
    """

    words: str = ""
    cell: str | None = None
    units: tuple[int, ...] | None = None
    optimizer: tuple[tuple[str, Any], ...] | None = None
    backend: str | None = None

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> "Variant":
        """Return the variant of this `definition`; a case may define one too, without words."""
        units, optimizer = definition.get("units"), definition.get("optimizer")
        return cls(
            definition.get("variant", ""),
            definition.get("cell"),
            None if units is None else tuple(units),
            None if optimizer is None else tuple(sorted((key, _number(value)) for key, value in optimizer.items())),
            definition.get("backend"),
        )

    @property
    def definition(self) -> dict[str, Any]:
        """The variant as JSON: the keys of a case, and its words as `variant`."""
        units = None if self.units is None else list(self.units)
        optimizer = None if self.optimizer is None else dict(self.optimizer)
        keys = self._asdict() | {"units": units, "optimizer": optimizer}
        words = {"variant": keys.pop("words")} if self.words else {}
        return words | {key: value for key, value in keys.items() if value is not None}

    @property
    def name(self) -> str:
        """The variant's name in tables.

        >>> Variant("gru of 20+20 units").name
        'gru_of_20_20_units'
        """
        return self.words.replace("+", "_").replace(" ", "_")

    @property
    def in_brackets(self) -> str:
        """The variant after a noun.

        >>> f"networks{Variant('gru').in_brackets}", f"networks{Variant().in_brackets}"
        ('networks (gru)', 'networks')
        """
        return f" ({self.words})" if self.words else ""

    @property
    def architecture(self) -> "Variant":
        """The variant as far as it makes the network: those of one architecture have the same network and weights."""
        return Variant(cell=self.cell, units=self.units)

    def network(self, of_the_run: Network | OwnNetwork) -> Network | OwnNetwork:
        """Return the network of the variant. That of your own file has neither cell nor units to change."""
        changes: dict[str, Any] = {key: self.definition[key] for key in ("cell", "units") if key in self.definition}
        return of_the_run._replace(**changes)


def _number(value: str | float) -> str | float:
    """Return a parameter of an optimizer as the option of a job becomes it: 1 is 1.0."""
    return value if isinstance(value, str) else float(value)


ONLY = Variant()
"""The only variant of a run in which all cases have the network, the optimizer and the backend of the run."""


def backend_of(case: Mapping[str, Any]) -> str:
    """Return the backend of a case, which may name none."""
    backend: str = case.get("backend", TENSORFLOW)
    return backend


def on_any_backend(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return what defines a case besides its backend."""
    return {key: value for key, value in case.items() if key != "backend"}


def variant_of(name: str, params: Mapping[str, Any]) -> Variant:
    """Return the variant of a case: what some case has otherwise than the run is a part of the variant of each.

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
    keys = params["model"] | {"optimizer": params["optimizer"], "backend": TENSORFLOW}
    of_the_run, *others = every = [Variant.of(keys | case) for case in ({}, *cases.values())]
    alike = [key for key in KEYS if {getattr(other, key) for other in others} == {getattr(of_the_run, key)}]
    nothing: dict[str, Any] = dict.fromkeys(alike)
    own = Variant.of(keys | cases[name])._replace(**nothing)
    if own.backend == TENSORFLOW:  # so that a case on another backend does not rename the others
        own = own._replace(backend=None)
    return own._replace(words=_words(own, every))


def _words(own: Variant, every: Iterable[Variant]) -> str:
    """Say what tells a variant from every other of the run."""
    parts = {"": own.cell, "of ": own.units and f"{'+'.join(map(str, own.units))} units"}
    if own.optimizer:
        optimizer = dict(own.optimizer)
        others = [other for variant in every if (other := dict(variant.optimizer or ()))["name"] == optimizer["name"]]
        varied = [key for key in optimizer if len({other[key] for other in others}) > 1]
        parts["with "] = " ".join([optimizer["name"], *(f"at {key} {optimizer[key]}" for key in varied)])
    parts["on "] = own.backend
    there = [(joint, words) for joint, words in parts.items() if words]
    return " ".join(f"{joint if number else ''}{words}" for number, (joint, words) in enumerate(there))
