"""The frontend role: the built dashboard as static files. It needs no store, no port and no settings."""

from pathlib import Path
from typing import Final

from aiops.core.module import Module
from aiops.frontend.files import BuiltFiles
from aiops.frontend.routes import router

DIST: Final = Path(__file__).parent / "dist"


def build(dist: Path = DIST) -> Module:
    """Make the module; `dist` is what the dashboard's build wrote, missing where that was skipped."""
    return Module("frontend", routes=(router(BuiltFiles(dist)),))
