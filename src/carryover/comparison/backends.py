"""How far the same training comes out on the backends of Keras: close together, but not to the bit."""

from typing import Any

from carryover.comparison.reference import distance
from carryover.job.yaml_file import Params
from carryover.training.case_results import Cases
from carryover.training.variants import TENSORFLOW, backend_of, on_any_backend


def between_backends(cases: Cases, params: Params) -> dict[str, dict[str, Any]]:
    """Compute how far each case on another backend is from one on TensorFlow that is otherwise defined alike.

    Returns:
        For each such case the name of the one on TensorFlow, `of`, and their reference.distance; empty if none is.
    """
    on_tensorflow = {name: case for name, case in params["cases"].items() if backend_of(case) == TENSORFLOW}
    result: dict[str, dict[str, Any]] = {}
    for name, definition in params["cases"].items():
        if name in on_tensorflow:
            continue
        wanted = on_any_backend(definition)
        if of := next((other for other, case in on_tensorflow.items() if on_any_backend(case) == wanted), None):
            losses, predictions = cases[of].history["loss"], cases[of].predictions["prediction"]
            result[name] = {"of": of} | distance(cases[name], losses, predictions)
    return result
