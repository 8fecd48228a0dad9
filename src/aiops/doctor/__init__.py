"""Looks at an installation from where it runs and says what is wrong with it and what to do. It mends nothing."""
