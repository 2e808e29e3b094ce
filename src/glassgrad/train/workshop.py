"""Workshop: traced graphs and compiled programs, kept for the next learner of the same kind.

A graph takes its parameters by position, so what was traced and compiled for one network serves every network of the
same architecture. An estimator that is fitted again, or cloned a hundred times by a grid search, so pays once.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Any

from glassgrad.graphs import Graph
from glassgrad.train.engine import Engine
from glassgrad.train.engines import engine_named

_MOST = 16  # workshops that wait for their next use; the one that waited the longest goes first


class Workshop:
    """What learners of one kind can hand to each other.

    Attributes
    ----------
    graphs : dict
        Traced graphs by what they were traced for.
    engine : Engine
        What compiled them.
    step_seconds : float or None
        What a step took at last.
    """

    def __init__(self, engine: Engine) -> None:
        self.graphs: dict[Any, Graph] = {}
        self.engine = engine
        self.step_seconds: float | None = None


class Workshops:
    """The workshops that wait, by what they serve. One that trains is one trainer's alone while it does.

    Examples
    --------
    >>> waiting = Workshops()
    >>> one = waiting.take("kind", "native")
    >>> waiting.put("kind", one)
    >>> waiting.take("kind", "native") is one, waiting.take("kind", "native") is one
    (True, False)
    """

    def __init__(self) -> None:
        self._idle: dict[Hashable, list[Workshop]] = {}
        self._lock = threading.Lock()

    def take(self, key: Hashable, engine: str) -> Workshop:
        """One for a learner's own use, until `put`; a new one where none waits. A key of None never waits."""
        with self._lock:
            waiting = self._idle.get((key, engine))
            if waiting:
                found = waiting.pop()
                if not waiting:
                    del self._idle[key, engine]
                return found
        return Workshop(engine_named(engine))

    def put(self, key: Hashable, workshop: Workshop) -> None:
        """Let one wait for the next learner."""
        if key is None:
            return
        with self._lock:
            self._idle.setdefault((key, workshop.engine.name), []).append(workshop)
            while sum(map(len, self._idle.values())) > _MOST:
                oldest = next(iter(self._idle))
                self._idle[oldest].pop(0)
                if not self._idle[oldest]:
                    del self._idle[oldest]

    def shared(self, key: Hashable, engine: str) -> Workshop:
        """One that any number of learners use at the same time, to predict."""
        workshop = self.take(key, engine)
        self.put(key, workshop)
        return workshop


workshops = Workshops()
"""Those of this process."""
