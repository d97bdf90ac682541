"""How far the same training comes out on the backends of Keras: close together, but not to the bit."""

from typing import Any

from carryover.comparison.reference import distance
from carryover.job.yaml_file import Params
from carryover.training.case_results import Cases
from carryover.training.variants import TENSORFLOW


def between_backends(cases: Cases, params: Params) -> dict[str, dict[str, Any]]:
    """Compute how far each case on another backend is from one on TensorFlow that is otherwise defined alike.

    Returns:
        For each such case the name of the one on TensorFlow, `of`, and their reference.distance; empty if none is.
    """
    backends = {name: case.get("backend", TENSORFLOW) for name, case in params["cases"].items()}
    others = {
        name: {key: value for key, value in case.items() if key != "backend"} for name, case in params["cases"].items()
    }
    result: dict[str, dict[str, Any]] = {}
    for name, backend in backends.items():
        alike = [other for other in backends if backends[other] == TENSORFLOW and others[other] == others[name]]
        if backend != TENSORFLOW and alike:
            of = cases[alike[0]]
            found = distance(cases[name], of.history["loss"], of.predictions["prediction"])
            result[name] = {"of": alike[0]} | found
    return result
