"""Train stateful recurrent networks in Keras 3: reset their states, and see every bit that training changes.

>>> import carryover
>>> carryover.ResetStates(every="epoch")  # doctest: +ELLIPSIS
<carryover.training.states.ResetStates object at ...>
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carryover.job.digests import digest
    from carryover.training.carrying import carry_states
    from carryover.training.snapshot import training_state, training_state_digests
    from carryover.training.states import ResetStates, reset_states, set_states

__all__ = [
    "ResetStates",
    "carry_states",
    "digest",
    "reset_states",
    "set_states",
    "training_state",
    "training_state_digests",
]

_HOME = {
    "ResetStates": "carryover.training.states",
    "carry_states": "carryover.training.carrying",
    "reset_states": "carryover.training.states",
    "set_states": "carryover.training.states",
    "digest": "carryover.job.digests",
    "training_state": "carryover.training.snapshot",
    "training_state_digests": "carryover.training.snapshot",
}


def __getattr__(name: str) -> Any:
    # Importing Keras takes seconds and most steps of the pipeline do not need it, so each name is loaded on first use.
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'carryover' has no attribute {name!r}")
