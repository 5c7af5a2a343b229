"""Statistics and Pareto fronts: numpy in, records out."""
