"""What the doctor says: one finding for each thing looked at, with advice wherever it is not well."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Status(StrEnum):
    """How well something is; SKIP says that there was nothing to look at, and why."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


class Finding(Struct, frozen=True):
    """One thing: what was found and, unless it is well, what to do."""

    area: str
    check: str
    status: Status
    found: str
    advice: str | None = None


class Report(Struct, frozen=True):
    """All findings of one examination."""

    version: str
    examined_at: datetime
    status: Status
    findings: tuple[Finding, ...]


def worst(findings: Sequence[Finding]) -> Status:
    """FAIL before WARN before OK; what was skipped does not count."""
    found = {finding.status for finding in findings}
    return next((status for status in (Status.FAIL, Status.WARN) if status in found), Status.OK)


class Notes:
    """Collects the findings of one area."""

    def __init__(self, area: str) -> None:
        self._area = area
        self.findings: list[Finding] = []

    def ok(self, check: str, found: str) -> None:
        """It is well."""
        self.findings.append(Finding(self._area, check, Status.OK, found))

    def warn(self, check: str, found: str, advice: str) -> None:
        """It works and should not stay so."""
        self.findings.append(Finding(self._area, check, Status.WARN, found, advice))

    def fail(self, check: str, found: str, advice: str) -> None:
        """Something does not work."""
        self.findings.append(Finding(self._area, check, Status.FAIL, found, advice))

    def skip(self, check: str, why: str) -> None:
        """There is nothing to look at."""
        self.findings.append(Finding(self._area, check, Status.SKIP, why))
