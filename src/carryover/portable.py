"""The portable recipe: the settings under which TensorFlow and NumPy compute the same bits on every x86-64 CPU.

Both pick kernels by the CPU that they find, and other kernels round or add up otherwise. Each setting takes one such
choice away. Together they cost no measurable time at the size of these networks.
"""

import os

from carryover.errors import UserError

ENVIRONMENT = {
    # oneDNN generates other kernels for SSE4.1, AVX, AVX2 and AVX-512.
    "TF_ENABLE_ONEDNN_OPTS": "0",
    # Without oneDNN's operations, Eigen's matrix products still call its kernels.
    "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL": "false",
    # A GPU adds up in another order again.
    "CUDA_VISIBLE_DEVICES": "-1",
    # NumPy's exp and log10, for example, differ in the last bit with AVX-512; its baseline is x86-64-v2.
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    # The inverse of a 3 by 3 matrix, which matplotlib computes for its transforms, differs with OpenBLAS's kernels.
    "OPENBLAS_CORETYPE": "Nehalem",
}
"""Environment variables that must be set before NumPy and TensorFlow are imported."""


def configure_tensorflow() -> None:
    """Apply the part of the recipe that TensorFlow takes at run time; call it before the first operation.

    Raises:
        UserError: if the environment lacks ENVIRONMENT, so that the result would depend on the CPU.
    """
    missing = [f"{name}={value}" for name, value in ENVIRONMENT.items() if os.environ.get(name) != value]
    if missing:
        raise UserError(
            f"the environment lacks {' '.join(missing)}: start the command with 'hermetic' (hermetic python ...)"
        )
    import tensorflow as tf

    # The optimizer of graphs rewrites x / sqrt(y) as x * rsqrt(y), and the hardware's approximate reciprocal square
    # root differs between makers of CPUs.
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
