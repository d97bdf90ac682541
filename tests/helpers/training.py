"""Small trainings in this process, by the library's own path; what calls them must ask for the fixture keras."""

from typing import Any, NamedTuple

import numpy as np

from carryover.series.batches import cut_windows
from carryover.series.noisy_sine import noisy_sine
from carryover.training.cases import Case
from carryover.training.network import Network, weight_shapes

ADADELTA = {"name": "adadelta", "learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-8}


class Setting(NamedTuple):
    """A network, what it learns, and how."""

    units: list[int]
    time_steps: int
    batch_size: int
    recurrent_activation: str = "hard_sigmoid_2017"
    cell: str = "lstm"
    activation: str = "tanh"
    inputs: int = 1
    optimizer: dict[str, Any] = ADADELTA
    loss: str = "mse"
    batches: str = "contiguous"
    epochs: int = 4
    targets: str = "window_end"

    @property
    def network(self) -> Network:
        gates, cell, activation = self.recurrent_activation, self.cell, self.activation
        return Network(self.units, gates, cell, activation, self.inputs, self.targets)


ADAM = {"name": "adam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
RMSPROP = {"name": "rmsprop", "learning_rate": 0.01, "rho": 0.9, "momentum": 0.5, "epsilon": 1e-7}
SGD = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9}


def weights_of(setting: Setting) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    return {
        name: generator.normal(0, 0.4, shape).astype(np.float32)
        for name, shape in weight_shapes(setting.network).items()
    }


def data_of(setting: Setting) -> tuple[Any, Any]:
    series = noisy_sine(samples=120, step=0.1, noise=0.1, seed=1)
    # Further inputs are the first one, some samples later.
    series = series._replace(x=np.column_stack([np.roll(series.x, shift) for shift in range(setting.inputs)]))
    return cut_windows(series, setting.time_steps, setting.batch_size, setting.targets)


class Trained(NamedTuple):
    """What a training leaves: losses and digests of each epoch, the predictions after it, and the weights."""

    losses: list[float]
    digests: list[dict[str, str]]
    predictions: bytes
    weights: list[Any]


class StartingModel:
    """A compiled model that can be put back to where it started: compiling is what takes the time of a small training.

    Args:
        model: a model that is compiled, and not trained yet.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        model.optimizer.build(model.trainable_variables)  # otherwise Keras traces the training step twice
        self.steps_per_execution = model.steps_per_execution
        self.variables = [*model.variables, *model.optimizer.variables]
        self.values = [variable.numpy() for variable in self.variables]

    def started(self) -> Any:
        """Return the model as it was: weights, optimizer and states."""
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)
        for layer in self.model.layers:
            if getattr(layer, "stateful", False):
                layer.reset_state()
        self.model.steps_per_execution = self.steps_per_execution
        return self.model


def build(case: Case, setting: Setting) -> StartingModel:
    """Build and compile the model of a case as a job does."""
    import keras

    from carryover.training.fitting import compile_model
    from carryover.training.model import build_model, set_weights
    from carryover.training.optimizers import build_optimizer

    # A job starts in a fresh interpreter; without this, seeds and names would count on from the case before.
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model = build_model(setting.network, setting.time_steps, setting.batch_size, case.stateful)
    set_weights(model, weights_of(setting), setting.network)
    batches = len(data_of(setting)[0]) // setting.batch_size
    compile_model(model, build_optimizer(**setting.optimizer), setting.loss, case, batches)
    return StartingModel(model)


def train_case(case: Case, setting: Setting, model: Any) -> Trained:
    """Train a model that has just started."""
    from carryover import training_state_digests
    from carryover.training.fitting import make_batches, predict, train

    losses: list[float] = []
    digests: list[dict[str, str]] = []

    def record(epoch: int, logs: dict[str, Any]) -> None:
        assert epoch == len(losses) + 1
        losses.append(logs["loss"])
        digests.append(training_state_digests(model))

    batches = make_batches(*data_of(setting), setting.batch_size, case.batches)
    train(model, batches, setting.epochs, case, record)
    return Trained(losses, digests, predict(model, batches, case).tobytes(), model.get_weights())
