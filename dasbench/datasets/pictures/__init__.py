"""How an image file becomes what networks see: its pixels, colours, orientation, framing."""
