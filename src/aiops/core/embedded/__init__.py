"""PostgreSQL and Valkey as children of this process, for a hub that is one process on one machine."""

from aiops.core.embedded.account import EmbeddedServerError
from aiops.core.embedded.data_dir import DataDir, DataDirInUse
from aiops.core.embedded.postgres import EmbeddedPostgres
from aiops.core.embedded.valkey import EmbeddedValkey

__all__ = ["DataDir", "DataDirInUse", "EmbeddedPostgres", "EmbeddedServerError", "EmbeddedValkey"]
