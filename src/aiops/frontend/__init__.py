"""The built dashboard as static files."""
