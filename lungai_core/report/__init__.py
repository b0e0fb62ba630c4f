"""A case report as JSON, HTML and work-list."""
