"""What a module is: plain data that the application is put together from.

A module brings its public routes, the routes that serve its port to other processes, the tasks that must run while
it is loaded, the jobs that some replica does at their times, and the checks without which it cannot serve. It starts
nothing by itself.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from litestar.types import ControllerRouterHandler

from aiops.core.periodic import Periodic
from aiops.core.tasks import Task


@dataclass(frozen=True)
class Check:
    """One dependency. `probe` raises when it is not there; `critical` decides whether `/ready` needs it."""

    name: str
    probe: Callable[[], Awaitable[None]]
    critical: bool = True


@dataclass(frozen=True)
class Module:
    """A part of the product that a role may load."""

    name: str
    routes: tuple[ControllerRouterHandler, ...] = ()
    internal: tuple[ControllerRouterHandler, ...] = ()
    resources: tuple[AbstractAsyncContextManager[object], ...] = ()
    tasks: tuple[Task, ...] = ()
    jobs: tuple[Periodic, ...] = ()
    checks: tuple[Check, ...] = field(default=())
