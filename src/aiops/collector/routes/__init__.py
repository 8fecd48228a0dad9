"""The collector's public paths."""
