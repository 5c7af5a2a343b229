"""What is learned: one file says how to build, train, evaluate, and which metrics there are."""
