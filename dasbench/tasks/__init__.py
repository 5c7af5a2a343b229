"""What is learned: one file says how to build, train a step, evaluate, and which metrics there are."""
