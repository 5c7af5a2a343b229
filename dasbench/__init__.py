"""dasbench: which attention gate is better, is the difference real, and what does it cost?"""

__version__ = "0.1.0"
