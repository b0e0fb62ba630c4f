"""Values that every area speaks: geometry, volume, candidate, contract, patch, case report."""
