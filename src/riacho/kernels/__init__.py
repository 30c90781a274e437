"""Compiled pure functions over NumPy arrays: no classes, no I/O.

Importing this package (not yet a module in it) points Numba at the user's cache directory; Numba itself is
imported by the first kernel module. `riacho.kernels.compile` says how a kernel is added.
"""

from riacho.kernels import compile as _compile

_compile.use_cache_directory()
