"""Chance that favours what came seldom, and counts what it chose: a run of enough cases leaves nothing out."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Choices from one seed. `counts` says how often each counted option was taken, as `kind option`."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a seed that repeats, no secret
        self.counts: Counter[str] = Counter()

    def seldom(self, kind: str, options: Sequence[str]) -> str:
        """One of the options, the less often taken the likelier; counted."""
        weights = [1 / (1 + self.counts[f"{kind} {option}"]) for option in options]
        found = self._random.choices(options, weights)[0]
        self.count(kind, found)
        return found

    def count(self, kind: str, option: str) -> None:
        """Count what was taken otherwise."""
        self.counts[f"{kind} {option}"] += 1

    def one(self, options: Sequence[T]) -> T:
        """Any of the options."""
        return self._random.choice(options)

    def some(self, options: Sequence[T], least: int = 0, most: int | None = None) -> list[T]:
        """Any number of the options, in any order."""
        top = len(options) if most is None else min(most, len(options))
        return self._random.sample(options, self._random.randint(min(least, top), top))

    def happens(self, probability: float) -> bool:
        """Whether it happens."""
        return self._random.random() < probability

    def whole(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return self._random.randint(least, most)
