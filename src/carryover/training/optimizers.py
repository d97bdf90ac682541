"""The optimizers and their parameters. Keras is imported late, because the parameters are checked before it loads."""

from typing import Any

OPTIMIZERS = {
    "adadelta": ["learning_rate", "rho", "epsilon"],  # Zeiler 2012, arXiv:1212.5701
    "adam": ["learning_rate", "beta_1", "beta_2", "epsilon"],  # Kingma and Ba 2014, arXiv:1412.6980
    "rmsprop": ["learning_rate", "rho", "momentum", "epsilon"],  # Tieleman and Hinton 2012
    "sgd": ["learning_rate", "momentum"],
}
"""The names of each optimizer's parameters, which are Keras's own. None is left to its default: Keras 3 has changed the
defaults of 2017."""


def build_optimizer(name: str, **parameters: float) -> Any:
    """Return the keras.optimizers.Optimizer of this name; all of its parameters must be given."""
    import keras

    classes = {"adadelta": "Adadelta", "adam": "Adam", "rmsprop": "RMSprop", "sgd": "SGD"}
    return getattr(keras.optimizers, classes[name])(**parameters)
