"""Digests of tensors, which are equal only if every bit is."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def digest(tensors: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of the dtype, shape and bytes of each tensor in turn, in hexadecimal; "" if there are none.

    The names do not count: Keras numbers automatic names within a process, so two equal models differ in them.

    >>> import numpy as np
    >>> from carryover import digest
    >>> zero, minus_zero = np.zeros(1, np.float32), -np.zeros(1, np.float32)
    >>> bool(zero == minus_zero), digest({"bias": zero}) == digest({"bias": minus_zero})
    (True, False)
    """
    if not tensors:
        return ""
    sha = hashlib.sha256()
    for tensor in tensors.values():
        little_endian = np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<"))
        sha.update(f"{little_endian.dtype.str} {tensor.shape}\n".encode())
        sha.update(little_endian.tobytes())
    return sha.hexdigest()
