"""The version of this software, in a module of its own so that every floor may name it."""

__version__ = "0.1.0"
