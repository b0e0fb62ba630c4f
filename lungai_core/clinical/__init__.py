"""Reader-study and stand-alone performance statistics: every number with its method, unit, n and source."""
