"""Providers, session, engine, uncertainty, and the analysis of a case. Never imports torch."""
