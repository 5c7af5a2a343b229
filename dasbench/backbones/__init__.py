"""Networks that gates are put into; one file per family.

A backbone says where a gate may go and knows no gate.
"""
