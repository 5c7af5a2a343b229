"""Text and numbers as every table, page and figure writes them; knows neither tables nor what is in them."""
