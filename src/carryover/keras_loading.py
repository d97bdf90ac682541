"""Loading Keras in a job: portable, fast, and from nothing but its own files."""

import gc
import sys

from carryover.portable import configure_tensorflow


def load_keras() -> None:
    """Import Keras and TensorFlow as every job does that needs them; it takes seconds.

    Raises:
        UserError: as portable.configure_tensorflow.
    """
    # Importing TensorFlow makes a million objects that stay: searching them for garbage takes a quarter of a job.
    gc.disable()
    # Keras would import matplotlib, to draw what no job draws: it takes a tenth of a job, and reads a configuration.
    sys.modules["matplotlib"] = None  # type: ignore[assignment]
    configure_tensorflow()
    import keras  # noqa: F401

    gc.freeze()
    gc.enable()
