"""From a composed gate to the study of its ablations: what to leave out, to add, to vary, and to hold against it."""
