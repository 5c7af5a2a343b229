"""How an image file becomes what networks see: its pixels, its colours, how it lies, which part is shown."""
