"""The DAS attention gate: its designs as rows of a table, one class that builds any of them, and their parts."""
