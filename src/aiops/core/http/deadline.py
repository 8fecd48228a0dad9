"""A point in time that a whole piece of work shares, instead of a timeout that each step would start anew."""

import time

from msgspec import Struct


class Deadline(Struct, frozen=True):
    """`at_s` is on the clock of `time.monotonic`, so it means nothing in another process."""

    at_s: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline that passes so many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def remaining_s(self) -> float:
        """Seconds that are left; 0 once it has passed."""
        return max(0.0, self.at_s - time.monotonic())

    def tightened(self, fraction: float) -> "Deadline":
        """A deadline after this fraction (0 to 1) of what is left, so that time remains to use the answer."""
        return Deadline.after(self.remaining_s * fraction)
