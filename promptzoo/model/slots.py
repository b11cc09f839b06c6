"""The prefix tokens that grafts reserve, one behind the other: `Slots`."""

from __future__ import annotations


class Slots:
    """Where some prefix tokens stand: `count` of them, behind those that were reserved before.

    `start` and `stop` are read at each forward, since a graft may come to need fewer tokens than it reserved.
    """

    def __init__(self, count: int, behind: Slots | None = None):
        self.count, self.behind = count, behind

    @property
    def start(self) -> int:
        return self.behind.stop if self.behind else 0

    @property
    def stop(self) -> int:
        return self.start + self.count
