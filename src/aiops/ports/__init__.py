"""Borders between modules: protocols and the structs that they speak. No behaviour lives here."""
