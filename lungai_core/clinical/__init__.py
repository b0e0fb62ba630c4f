"""Statistics of reader studies and stand-alone performance."""
