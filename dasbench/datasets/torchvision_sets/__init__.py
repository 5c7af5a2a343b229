"""torchvision's classification data sets, from their own files on disk."""
