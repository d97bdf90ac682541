"""The portable recipe: the settings under which TensorFlow and NumPy compute the same bits on every x86-64 CPU.

Both, and the C library below them, choose kernels by the CPU, and other kernels round differently or add in another
order. Each setting removes one such choice. Together they cost no measurable time at the size of these networks.
"""

import gc
import os
import platform
import sys

from carryover.job.errors import UserError

ENVIRONMENT = {
    # oneDNN generates other kernels for SSE4.1, AVX, AVX2 and AVX-512.
    "TF_ENABLE_ONEDNN_OPTS": "0",
    # Without oneDNN's operations, Eigen's matrix products still call its kernels.
    "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL": "false",
    # A GPU adds in yet another order.
    "CUDA_VISIBLE_DEVICES": "-1",
    # NumPy's exp and log10, for example, differ in the last bit with AVX-512; its baseline is x86-64-v2.
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    # The inverse of a 3 by 3 matrix, which matplotlib computes for its transforms, differs with OpenBLAS's kernels.
    "OPENBLAS_CORETYPE": "Nehalem",
    # glibc's sin, exp, pow and their kin differ in the last bit on CPUs with fused multiply-add. Before glibc 2.33 the
    # features had other names.
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX2_Usable,-FMA_Usable,-FMA4_Usable",
}
"""Environment variables that must be set before NumPy and TensorFlow are imported."""


def configure_tensorflow() -> None:
    """Apply the part of the recipe that TensorFlow takes at run time; call this before the first operation.

    Raises:
        UserError: if the environment lacks ENVIRONMENT, so that the result would depend on the CPU; or if the CPU has
            no AVX, in which case TensorFlow would die of an illegal instruction without a message.
    """
    missing = [f"{name}={value}" for name, value in ENVIRONMENT.items() if os.environ.get(name) != value]
    if missing:
        raise UserError(
            f"the environment lacks {' '.join(missing)}; put 'hermetic' before the command (hermetic python ...)"
        )
    from numpy._core._multiarray_umath import __cpu_features__  # what numpy.show_runtime() prints

    if platform.machine() == "x86_64" and not __cpu_features__["AVX"]:
        raise UserError(
            "this processor has no AVX, which TensorFlow needs; use a processor of 2011 or later (Intel Sandy Bridge, "
            "AMD Bulldozer), or let the virtual machine see the host's processor"
        )
    import tensorflow as tf

    # TensorFlow's graph optimizer rewrites x / sqrt(y) as x * rsqrt(y), and the hardware's approximate reciprocal
    # square root differs between makers of CPUs.
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def load_keras() -> None:
    """Import Keras and TensorFlow under the recipe, as every job that needs them does; this takes seconds.

    Raises:
        UserError: as configure_tensorflow.
    """
    # Importing TensorFlow makes a million lasting objects: searching them for garbage takes a quarter of a job.
    gc.disable()
    # Keras would import matplotlib for drawings that no job makes; that takes a tenth of a job and reads a config file.
    sys.modules["matplotlib"] = None  # type: ignore[assignment]
    configure_tensorflow()
    import keras  # noqa: F401

    gc.freeze()
    gc.enable()
