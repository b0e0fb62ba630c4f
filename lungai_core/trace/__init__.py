"""Items, docstring scan, test results, trace graph, checks and matrix, for any Python project."""
