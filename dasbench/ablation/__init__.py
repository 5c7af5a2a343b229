"""From a composed gate to the study of its ablations: what to leave out, to add and to vary."""
