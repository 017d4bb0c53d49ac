"""Assembly: from pieces to answers. One piece, a map of its colours, a table over two or three pieces, a
cover."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from solver.arc.task import Task
from solver.search.arena import COST, PROGRAMS, Arena
from solver.search.decide import (
    MOST_RULES,
    coloured_cells,
    conditions,
    decision_list,
    good_cells,
    greedy_cover,
    where,
)
from solver.search.pieces import (
    MAX_CELLS,
    Pieces,
    Wanted,
    colour_maps,
    harvest,
    make_pieces,
    make_wanted,
    pair_tables,
    triple_tables,
)
from solver.search.whole import FACTORS, choices, image_of, labels_of, product_of, products

PROGRAM, MAP, TABLE, COVER, RULES, PARTIAL = "program", "map", "table", "cover", "rules", "partial"
CHOICE, PRODUCT = "choice", "product"
PAIRED, TRIPLED = 500, 50  # how many of the cheapest pieces are tried in twos and threes
DECIDING, CONDITIONS, BASES, TAKEN = 1500, 4000, 10, 24  # the same for decisions and covers


@dataclass(frozen=True, eq=False)
class Found:
    """An answer for every test input. ``kind``: how it was assembled. ``cost``: that of its programs.
    ``programs``: which. ``reproduced``: demonstrations that come out. ``entries``, ``single``: entries of its
    table, and those that only one demonstration shows. ``detail``: the table or the layers, to explain it."""

    grids: tuple[np.ndarray, ...]
    kind: str
    cost: int
    programs: tuple[int, ...]
    reproduced: int
    entries: int = 0
    single: int = 0
    detail: tuple = ()


@dataclass
class Assembler:
    """Pieces of one task and what was assembled of them so far."""

    task: Task
    memory: int
    wanted: Wanted = field(init=False)
    pieces: Pieces = field(init=False)
    harvested: int = 0
    looked_at: int = 0  # programs that were asked to choose among the outputs
    fits_alone: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.wanted = make_wanted([pair.output for pair in self.task.train])
        self.pieces = make_pieces(self.wanted, len(self.task.test), self.memory)
        self.fits_alone = np.zeros(len(self.pieces.program), np.uint8)
        self.labels = labels_of([pair.output for pair in self.task.train])

    @property
    def count(self) -> int:
        """Pieces so far."""
        return int(self.pieces.top[0])

    def take(self, arena: Arena) -> list[Found]:
        """Pieces of the programs that are new, and what single ones of them answer."""
        stop = int(arena.top[PROGRAMS])
        if stop == self.harvested:
            return []
        before = self.count
        harvest(arena, self.harvested, stop, self.wanted, self.pieces)
        self.harvested = stop
        if self.count == before:
            return []
        colour_maps(self.pieces.cells, self.wanted.cells, before, self.count, self.fits_alone)
        demos = len(self.task.train)
        found = []
        for piece in range(before, self.count):
            right = int(self.pieces.right[piece])
            if right == demos:
                found.append(self._alone(piece, PROGRAM))
            elif self.fits_alone[piece]:
                made = self._by_table((piece,), MAP)
                if made is not None:
                    found.append(made)
            elif demos >= 3 and right >= demos - 1:
                found.append(self._alone(piece, PARTIAL))
        return found

    def combine(self, arena: Arena) -> Iterator[Found]:
        """Whole images, then tables, decisions and covers over the cheapest pieces, stage by stage."""
        yield from self._whole(arena)
        order = np.argsort(self.pieces.cost[: self.count], kind="stable").astype(np.int64)
        yield from self._tables(order)
        chosen = order[:DECIDING]
        if len(chosen) < 2:
            return
        good = np.empty((len(chosen) + 10, (len(self.wanted.cells) + 63) // 64), np.uint64)
        good_cells(self.pieces.cells, self.wanted.cells, chosen, good)
        full = self._bit_set(np.ones(len(self.wanted.cells), bool))
        yield from self._covers(chosen, good, full)
        yield from self._decisions(chosen, good, full)

    def _whole(self, arena: Arena) -> Iterator[Found]:
        """Outputs chosen by a program's image, and products of the images of two programs."""
        demos, tests = len(self.task.train), len(self.task.test)
        cost = arena.programs[:, COST]
        if self.labels is not None:
            outputs = [
                self.task.train[int(np.argmax(self.labels == k))].output for k in range(self.labels.max() + 1)
            ]
            start, self.looked_at = self.looked_at, int(arena.top[PROGRAMS])
            for program, chosen in choices(arena, start, self.labels, tests):
                grids = tuple(outputs[k] for k in chosen)
                yield Found(grids, CHOICE, int(cost[program]), (program,), demos, len(outputs), demos)
        found = np.empty((20, 3), np.int32)
        most = min(int(arena.top[PROGRAMS]), FACTORS)
        count = products(arena, most, self.wanted.cells, self.wanted.starts, self.wanted.shapes, found)
        for one, two, mode in found[:count].tolist():
            images = [
                (image_of(arena, one, demos + k), image_of(arena, two, demos + k)) for k in range(tests)
            ]
            made = [None if a is None or b is None else product_of(a, b, mode) for a, b in images]
            if all(grid is not None for grid in made):
                yield Found(
                    tuple(made), PRODUCT, int(cost[one] + cost[two]), (one, two), demos, detail=(mode,)
                )

    def _tables(self, order: np.ndarray) -> Iterator[Found]:
        """Tables over two pieces; over three, one of them the cheapest, where no two decide."""
        pairs = np.empty((60, 2), np.int32)
        some = False
        count = pair_tables(self.pieces.cells, self.wanted.cells, order[:PAIRED], 0, pairs, self.fits_alone)
        for row in pairs[:count]:
            made = self._by_table(tuple(int(piece) for piece in row), TABLE)
            if made is not None:
                some = True
                yield made
        if some:
            return
        triples = np.empty((40, 3), np.int32)
        count = triple_tables(self.pieces.cells, self.wanted.cells, order[:1], order[1:TRIPLED], triples)
        for row in triples[:count]:
            made = self._by_table(tuple(int(piece) for piece in row), TABLE)
            if made is not None:
                yield made

    def _decisions(self, chosen: np.ndarray, good: np.ndarray, full: np.ndarray) -> Iterator[Found]:
        """A base and rules that mend it: bases are the pieces with the fewest wrong cells."""
        total, words = len(self.wanted.cells), len(full)
        sets = np.empty((CONDITIONS, words), np.uint64)
        which = np.empty((CONDITIONS, 2), np.int32)
        slots = np.zeros(1 << 14, np.int32)
        sets = sets[: conditions(self.pieces.cells, total, chosen, sets, which, slots)]
        right = np.unpackbits(good.view(np.uint8), axis=1).sum(1)
        bases = np.argsort(-right[: len(chosen)].astype(np.int64), kind="stable")[:BASES]
        takes = np.concatenate([np.arange(min(TAKEN, len(chosen))), bases, len(chosen) + np.arange(10)])
        seen: set[tuple] = set()
        for base in bases.tolist():
            if right[base] == total:
                continue
            rules, whole = np.empty((MOST_RULES, 2), np.int32), np.empty((12, 2), np.int32)
            count, singles = decision_list(good[base], good, takes, sets, full, rules, whole)
            for made in [rules[:count], *(whole[k : k + 1] for k in range(singles))]:
                listed = tuple((*map(int, which[rule]), int(take)) for rule, take in made)
                if listed and (base, listed) not in seen:
                    seen.add((base, listed))
                    answer = self._by_rules(chosen, base, listed)
                    if answer is not None:
                        yield answer

    def _by_rules(
        self, chosen: np.ndarray, base: int, rules: tuple[tuple[int, int, int], ...]
    ) -> Found | None:
        """The answer of a base and of rules (place of q, colour, place taken or len(chosen) + colour)."""
        places = [base, *(q for q, _, _ in rules), *(p for _, _, p in rules if p < len(chosen))]
        parts = tuple(int(chosen[place]) for place in places)
        grids = []
        for test in range(len(self.task.test)):
            here = {place: self._test_cells(int(chosen[place]), test) for place in places}
            if any(part.shape != here[base].shape for part in here.values()):
                return None
            grid, decided = here[base].copy(), np.zeros(here[base].shape, bool)
            for q, colour, take in rules:
                hit = where(here[q], colour) & ~decided
                grid[hit] = here[take][hit] if take < len(chosen) else take - len(chosen)
                decided |= hit
            grids.append(grid)
        total = len(self.wanted.cells)
        wrong = self.pieces.cells[int(chosen[base]), :total] != self.wanted.cells
        single = 0
        for q, colour, _ in rules:
            mends = wrong & where(self.pieces.cells[int(chosen[q]), :total], colour)
            starts = self.wanted.starts[:-1]
            single += int(np.add.reduceat(mends, starts).astype(bool).sum() == 1)
        return Found(
            tuple(grids), RULES, self._cost(parts), self._programs(parts), len(self.task.train),
            len(rules), single, tuple((c, take - len(chosen) if take >= len(chosen) else None) for _, c,
            take in rules),
        )  # fmt: skip

    def _covers(self, chosen: np.ndarray, good: np.ndarray, full: np.ndarray) -> Iterator[Found]:
        """Layers of pieces, for several limits on their cost and several favoured demonstrations."""
        seen: set[tuple] = set()
        coloured = np.empty((len(chosen), len(full)), np.uint64)
        coloured_cells(self.pieces.cells[:, : len(self.wanted.cells)], chosen, coloured)
        for limit in sorted({len(chosen) // 8, len(chosen) // 3, len(chosen)}):
            for favoured in self._favoured(full):
                layers = np.empty((10, 2), np.int32)
                count = greedy_cover(good, coloured[:limit], full, favoured, layers)
                key = tuple((int(chosen[k]), int(mode)) for k, mode in layers[:count])
                if count > 1 and key not in seen:
                    seen.add(key)
                    made = self._by_layers(key)
                    if made is not None:
                        yield made

    def _favoured(self, full: np.ndarray) -> list[np.ndarray]:
        chosen = [full]
        for demo in range(min(len(self.task.train), 4)):
            one = np.zeros(len(self.wanted.cells), bool)
            one[self.wanted.starts[demo] : self.wanted.starts[demo + 1]] = True
            chosen.append(self._bit_set(one))
        return chosen

    @staticmethod
    def _bit_set(cells: np.ndarray) -> np.ndarray:
        """uint64 [words] of bool [cells]."""
        padded = np.zeros((len(cells) + 63) // 64 * 64, np.uint8)
        padded[: len(cells)] = cells
        return np.packbits(padded, bitorder="little").view(np.uint64)

    def _test_cells(self, piece: int, test: int) -> np.ndarray:
        """A piece's grid for a test input."""
        height, width = (int(side) for side in self.pieces.shapes[piece, test])
        start = len(self.wanted.cells) + test * MAX_CELLS
        return self.pieces.cells[piece, start : start + height * width].reshape(height, width)

    def _cost(self, pieces: tuple[int, ...]) -> int:
        return int(sum(self.pieces.cost[piece] for piece in pieces))

    def _programs(self, pieces: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(int(self.pieces.program[piece]) for piece in pieces)

    def _alone(self, piece: int, kind: str) -> Found:
        grids = tuple(self._test_cells(piece, test).copy() for test in range(len(self.task.test)))
        parts = (piece,)
        return Found(grids, kind, self._cost(parts), self._programs(parts), int(self.pieces.right[piece]))

    def _by_table(self, parts: tuple[int, ...], kind: str) -> Found | None:
        """The answer of a table over the pieces; None where a test input shows a combination never seen."""
        total = len(self.wanted.cells)
        codes = np.zeros(total, np.int64)
        for piece in parts:
            codes = codes * 16 + self.pieces.cells[piece, :total]
        table = np.full(16 ** len(parts), 255, np.uint8)
        table[codes] = self.wanted.cells
        shown = np.zeros(16 ** len(parts), np.int64)
        for demo in range(len(self.task.train)):
            shown[np.unique(codes[self.wanted.starts[demo] : self.wanted.starts[demo + 1]])] += 1
        grids = []
        for test in range(len(self.task.test)):
            parts_here = [self._test_cells(piece, test).astype(np.int64) for piece in parts]
            if any(part.shape != parts_here[0].shape for part in parts_here):
                return None
            code = np.zeros(parts_here[0].shape, np.int64)
            for part in parts_here:
                code = code * 16 + part
            grid = table[code]
            if kind == MAP:
                grid = np.where(grid == 255, code, grid).astype(np.uint8)
            if (grid == 255).any():
                return None
            grids.append(grid)
        entries, single = int((shown > 0).sum()), int((shown == 1).sum())
        detail = tuple((int(code), int(table[code])) for code in np.flatnonzero(shown))
        if kind == MAP:
            entries = sum(1 for code, colour in detail if code != colour)
        return Found(
            tuple(grids),
            kind,
            self._cost(parts),
            self._programs(parts),
            len(self.task.train),
            entries,
            single,
            detail,
        )

    def _by_layers(self, layers: tuple[tuple[int, int], ...]) -> Found | None:
        grids = []
        for test in range(len(self.task.test)):
            parts = [self._test_cells(piece, test) for piece, _ in layers]
            if any(part.shape != parts[0].shape for part in parts):
                return None
            grid = np.full(parts[0].shape, 255, np.uint8)
            for part, (_, mode) in zip(parts, layers, strict=True):
                usable = (grid == 255) & (((part != 0) & bool(mode & 1)) | ((part == 0) & bool(mode & 2)))
                grid[usable] = part[usable]
            grid[grid == 255] = 0
            grids.append(grid)
        pieces = tuple(piece for piece, _ in layers)
        programs = self._programs(pieces)
        return Found(
            tuple(grids), COVER, self._cost(pieces), programs, len(self.task.train), len(layers), 0,
            tuple(mode for _, mode in layers),
        )  # fmt: skip
