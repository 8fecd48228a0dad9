"""Work at set times, as a module declares it; `core.jobs` does it. Apart, so that declaring it costs no database."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

# When what is too old goes. Often, because a process that starts runs what it missed for at most ten minutes, and a
# hub on a laptop may never run for longer.
RETENTION: Final = "*/10 * * * *"


@dataclass(frozen=True)
class Periodic:
    """Work that a module wants done once in the whole fleet at each time that `cron` names (UTC, five fields)."""

    name: str
    cron: str
    run: Callable[[], Awaitable[None]]
