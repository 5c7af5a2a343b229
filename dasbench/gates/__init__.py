"""Attention gates `[B, C, H, W] -> [B, C, H, W]`; one file per method, named as its authors do."""
