"""The DAS attention gate: a table of its designs, the class that builds them, their parts."""
