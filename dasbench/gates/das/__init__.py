"""The DAS attention gate: a table of its designs, the class that builds any of them, their parts."""
