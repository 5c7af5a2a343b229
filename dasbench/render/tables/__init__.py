"""Tables as values, and how each format writes them."""
