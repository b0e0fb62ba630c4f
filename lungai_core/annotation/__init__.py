"""Reader annotations: the record, what readers' files hold, geometry checks, consensus and the reading workflow."""
