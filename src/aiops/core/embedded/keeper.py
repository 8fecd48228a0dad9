"""Keeps one embedded server running: starts it, waits until it answers, starts it again when it dies."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from aiops.core.embedded.account import EmbeddedServerError
from aiops.core.embedded.children import POLL_S, Child, Escalation, describe, ending
from aiops.core.embedded.log_file import LogFile

START_TIMEOUT_S: Final = 60.0
LOG_CHECK_S: Final = 60.0
# A server that ran this long was healthy: its next start is at once.
HEALTHY_AFTER_S: Final = 10.0
FIRST_DELAY_S: Final = 0.1
MAX_DELAY_S: Final = 5.0

_log = structlog.get_logger("aiops.embedded")


class Keeper:
    """One server. `launch` makes a process, `answers` says whether it can be used by now."""

    def __init__(
        self,
        name: str,
        log: LogFile,
        *,
        launch: Callable[[], Awaitable[Child]],
        answers: Callable[[], Awaitable[bool]],
        stop_with: Escalation,
    ) -> None:
        self._name = name
        self._log = log
        self._launch = launch
        self._answers = answers
        self._stop_with = stop_with
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it is down."""
        return self._child.pid if self._child is not None and self._child.exit_code is None else None

    async def start(self) -> None:
        """Start it and wait until it answers. Raises EmbeddedServerError, with nothing left running."""
        started = time.perf_counter()
        self._child = child = await self._launch()
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while not await self._answers():
                    self._check_running(child)
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            await self.stop()
            raise EmbeddedServerError(
                f"{self._name} did not answer within {START_TIMEOUT_S:g} s; {describe(self._log)}"
            ) from None
        except BaseException:
            await self.stop()
            raise
        took_ms = round((time.perf_counter() - started) * 1000)
        _log.info("embedded server answers", server=self._name, pid=child.pid, took_ms=took_ms)

    def _check_running(self, child: Child) -> None:
        if child.exit_code is not None:
            reason = f"{self._name} {ending(child.exit_code)} before it answered"
            raise EmbeddedServerError(f"{reason}; {describe(self._log)}")

    async def stop(self) -> None:
        """Stop it; nothing happens when it does not run."""
        if self._child is not None:
            await self._child.stop(self._stop_with)
            self._child = None

    async def watch(self) -> None:
        """Start it again whenever it dies, and keep its log short, until cancelled."""
        delay_s = 0.0
        while True:
            since = time.monotonic()
            reason = await self._ended()
            if time.monotonic() - since >= HEALTHY_AFTER_S:
                delay_s = 0.0
            _log.error(
                "embedded server died, starting it again",
                server=self._name,
                reason=reason,
                retry_in_s=delay_s,
            )
            await asyncio.sleep(delay_s)
            delay_s = min(MAX_DELAY_S, max(FIRST_DELAY_S, delay_s * 2))
            try:
                await self.start()
            except (EmbeddedServerError, OSError) as error:
                _log.error("embedded server did not start", server=self._name, reason=str(error))

    async def _ended(self) -> str:
        """Wait for the server's end; how it came."""
        if self._child is None:
            return "it is not running"
        while True:
            self._log.bound()
            try:
                async with asyncio.timeout(LOG_CHECK_S):
                    return ending(await self._child.exited())
            except TimeoutError:
                continue
