"""The portable recipe: the settings under which TensorFlow and NumPy compute the same bits on every x86-64 CPU.

JAX and PyTorch get their own switches for the same purpose, which go less far: docs/backends.md says how far.

Both, and the C library below them, choose kernels by the CPU, and other kernels round differently or add in another
order. Each setting removes one such choice. Together they cost no measurable time at the size of these networks.
"""

import gc
import os
import platform
import sys
from importlib.util import find_spec

from carryover.job.errors import UserError

BACKENDS = ("tensorflow", "jax", "torch")
"""The backends of Keras, by the names of their packages."""

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


def require_environment() -> None:
    """Check that the part of the recipe is there that must be before anything is imported.

    Raises:
        UserError: if the environment lacks ENVIRONMENT, so that the result would depend on the CPU.
    """
    missing = [f"{name}={value}" for name, value in ENVIRONMENT.items() if os.environ.get(name) != value]
    if missing:
        raise UserError(
            f"the environment lacks {' '.join(missing)}; put 'hermetic' before the command (hermetic python ...)"
        )


def configure_tensorflow() -> None:
    """Apply the part of the recipe that TensorFlow takes at run time; call this before the first operation.

    Raises:
        UserError: as require_environment; or if the CPU has no AVX, in which case TensorFlow would die of an illegal
            instruction without a message.
    """
    require_environment()
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


def configure_jax() -> None:
    """Let JAX compute on one thread of the CPU; call this before anything imports it.

    Raises:
        UserError: as require_environment.
    """
    require_environment()
    os.environ |= {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}


def configure_torch() -> None:
    """Let PyTorch compute on one thread of the CPU, by deterministic algorithms and without kernels for its CPU.

    Raises:
        UserError: as require_environment.
    """
    require_environment()
    os.environ |= {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "KERAS_TORCH_DEVICE": "cpu"}
    import torch

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.backends.mkldnn.enabled = False


def require_backend(backend: str) -> None:
    """Check that a backend of Keras is installed, without importing it.

    Raises:
        UserError: if it is not.
    """
    if find_spec(backend) is None:
        raise UserError(f"{backend} is not installed; install it: {sys.executable} -m pip install -e '.[{backend}]'")


def load_keras(backend: str = "tensorflow") -> None:
    """Import Keras and its backend under the recipe, as every job that needs them does; this takes seconds.

    Args:
        backend: one of BACKENDS.

    Raises:
        UserError: as configure_tensorflow; or if the backend is not installed.
    """
    require_backend(backend)
    os.environ["KERAS_BACKEND"] = backend
    # Importing TensorFlow makes a million lasting objects: searching them for garbage takes a quarter of a job.
    gc.disable()
    # Keras would import matplotlib for drawings that no job makes; that takes a tenth of a job and reads a config file.
    sys.modules["matplotlib"] = None  # type: ignore[assignment]
    {"tensorflow": configure_tensorflow, "jax": configure_jax, "torch": configure_torch}[backend]()
    import keras  # noqa: F401

    gc.freeze()
    gc.enable()
