"""Public test helpers: thorax phantoms with known truth."""
