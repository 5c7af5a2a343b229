"""What the scripts about GPUs share: images that cost nothing, loops by hand, trials at once, and the checks."""
