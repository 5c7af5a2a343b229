"""What `dasbench run` does beside reading its options: GPUs, place, progress, last lines."""
