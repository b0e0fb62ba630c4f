"""Reader annotations: records, LIDC XML, consensus, arbitration, agreement."""
