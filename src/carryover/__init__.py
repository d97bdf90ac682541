"""Stateful recurrent training in Keras 3: reset the states, and see every bit of what training changes.

>>> import carryover
>>> carryover.ResetStates(every="epoch")  # doctest: +ELLIPSIS
<carryover.states.ResetStates object at ...>
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carryover.digests import digest
    from carryover.snapshot import training_state, training_state_digests
    from carryover.states import ResetStates, reset_states

__all__ = ["ResetStates", "digest", "reset_states", "training_state", "training_state_digests"]

_HOME = {
    "ResetStates": "carryover.states",
    "reset_states": "carryover.states",
    "digest": "carryover.digests",
    "training_state": "carryover.snapshot",
    "training_state_digests": "carryover.snapshot",
}


def __getattr__(name: str) -> Any:
    # Importing Keras takes seconds, and most steps of the pipeline do without it: only a name that needs it loads it.
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'carryover' has no attribute {name!r}")
