"""How kernels are compiled: inner functions without wrappers, since only compiled code calls them."""

from numba import njit

inner = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy")
outer = njit(cache=True, error_model="numpy")
