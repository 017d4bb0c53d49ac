"""The compiled kernels of the transforms, by family."""
