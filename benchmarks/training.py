"""Time the training of a case and the same case written plainly, in one process, and compare their bits.

benchmarks/run.py runs this as `hermetic python benchmarks/training.py REPEATS`; it prints JSON.
"""

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from carryover.job.digests import digest
from carryover.job.portable import configure_tensorflow
from carryover.series.batches import cut_windows
from carryover.series.dataset import read_series
from carryover.training.network import Network
from carryover.training.weights import read_weights

UNITS, TIME_STEPS, BATCH_SIZE, EPOCHS = [10, 10], 1, 100, 70


def load_plain() -> ModuleType:
    # Python's isolated mode does not look for modules beside the script.
    spec = importlib.util.spec_from_file_location("plain", Path(__file__).with_name("plain.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def timed(train: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = train()
    return time.perf_counter() - start, result


def main() -> None:
    configure_tensorflow()
    from carryover.training.cases import Case
    from carryover.training.fitting import compile_model, make_batches, train
    from carryover.training.model import build_model, set_weights
    from carryover.training.optimizers import build_optimizer
    from carryover.training.snapshot import recorded_state

    plain = load_plain()
    network = Network(UNITS, "hard_sigmoid_2017")
    inputs, targets = cut_windows(
        read_series(plain.REFERENCE / "noisy_sine.csv"), TIME_STEPS, BATCH_SIZE, network.targets
    )
    weights = read_weights(plain.REFERENCE / "initial_weights.npz", network)

    def fast(case: Case) -> tuple[list[float], list[Any]]:
        """Train as workflow/scripts/train.py does, including the digests of every epoch."""
        model = build_model(network, TIME_STEPS, BATCH_SIZE, case.stateful)
        set_weights(model, weights, network)
        optimizer = build_optimizer("adadelta", learning_rate=1.0, rho=0.95, epsilon=1e-8)
        compile_model(model, optimizer, "mse", case, len(inputs) // BATCH_SIZE)
        losses: list[float] = []

        def record(_: int, logs: dict[str, Any]) -> None:
            losses.append(logs["loss"])
            for tensors in recorded_state(model).values():
                digest(tensors)

        train(model, make_batches(inputs, targets, BATCH_SIZE), EPOCHS, case, record)
        return losses, model.get_weights()

    def slow(name: str) -> tuple[list[float], list[Any]]:
        model = plain.build(weights, UNITS, TIME_STEPS, BATCH_SIZE, stateful=True)
        losses = plain.fit(name, model, inputs, targets, BATCH_SIZE, EPOCHS)
        return losses, model.get_weights()

    cases = {
        "loop_without_reset": Case("loop", "never", True),
        "single_fit": Case("single", "never", True),
    }
    seconds: dict[str, dict[str, list[float]]] = {name: {"fast": [], "plain": []} for name in cases}
    identical = True
    for _ in range(int(sys.argv[1])):
        for name, case in cases.items():
            fast_time, (fast_losses, fast_weights) = timed(lambda case=case: fast(case))  # type: ignore[misc]
            plain_time, (plain_losses, plain_weights) = timed(lambda name=name: slow(name))  # type: ignore[misc]
            seconds[name]["fast"].append(fast_time)
            seconds[name]["plain"].append(plain_time)
            identical &= fast_losses == plain_losses
            identical &= all(a.tobytes() == b.tobytes() for a, b in zip(fast_weights, plain_weights, strict=True))
    print(json.dumps({"seconds": seconds, "identical": identical}))


if __name__ == "__main__":
    main()
