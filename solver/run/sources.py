"""Sources: who proposes answers to a task. Another one is a module and a row of SOURCES.

A source on a plain process is a generator, ``propose(task, budget, seed) -> Iterator[(test, Candidate)]``:
the index of a test input and a candidate for it, as it finds them. It looks at ``budget`` between two
steps and may be ended at any moment; with counted steps it finds the same candidates on every machine. A
source with torch opens itself on a device (``solver.run.worker.open_source``). A module may also have a
function ``prepare(say)``, which is called once in each process before its first job; what takes long it tells
``say`` in a sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from solver.choices import NETWORK, SEARCH
from solver.words import closest


@dataclass(frozen=True)
class Source:
    """``entry``: "module:function". ``torch``: whether it runs in a process with torch on a device, else in a
    plain one."""

    name: str
    entry: str
    torch: bool = False


SOURCES = {
    source.name: source
    for source in (
        Source(SEARCH, "solver.search.source:propose"),
        Source(NETWORK, "solver.tune.job:open_network", torch=True),
    )
}


def find_sources(names: Sequence[str]) -> tuple[Source, ...]:
    """The sources of these names, in this order. A name with a colon is the entry of a plain source of one's
    own. ValueError for an unknown name, for none and for one given twice."""
    if not names:
        raise ValueError(f"sources: found none, wanted some of {', '.join(SOURCES)} or module:function")
    if len(set(names)) < len(names):
        raise ValueError(f"sources: found {', '.join(names)}, wanted each once")
    found = []
    for name in names:
        if name not in SOURCES and ":" not in name:
            wanted = f"wanted one of {', '.join(SOURCES)} or module:function"
            raise ValueError(f"source {name!r}: {wanted}{closest(name, list(SOURCES))}")
        found.append(SOURCES.get(name) or Source(name, name))
    return tuple(found)
