"""How what is known is said: tables, pages, plots and files."""
