"""PostgreSQL and Valkey as children of this process, for a hub that is one process on one machine.

Import from its files: the package itself imports nothing, so that a client command pays for
nothing unused.
"""
