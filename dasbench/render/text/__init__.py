"""Text and numbers as every table, page and figure writes them."""
