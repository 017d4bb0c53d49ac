"""Decisions: a base piece, and a few rules "where piece q is colour c, take piece p" that mend what it has
wrong; the colour may be COLOURED, which is any but 0.

All sets of cells are bit sets over the cells of all demonstrations' outputs: uint64 [words].
"""

import numpy as np

from solver.search.jit import inner, outer

MOST_RULES = 4
COLOURED = 10  # in place of a condition's colour: any colour but 0


@outer
def good_cells(cells: np.ndarray, wanted: np.ndarray, chosen: np.ndarray, good: np.ndarray) -> None:
    """good[k] = the cells on which piece ``chosen[k]`` is right; behind them those of the ten single
    colours."""
    good[:] = 0
    for cell in range(wanted.shape[0]):
        bit = np.uint64(1) << np.uint64(cell % 64)
        for k in range(chosen.shape[0]):
            if cells[chosen[k], cell] == wanted[cell]:
                good[k, cell // 64] |= bit
        good[chosen.shape[0] + np.int64(wanted[cell]), cell // 64] |= bit


@outer
def conditions(
    cells: np.ndarray, total: int, chosen: np.ndarray, sets: np.ndarray, which: np.ndarray, slots: np.ndarray
) -> int:
    """The different sets "piece q is colour c", or coloured, that are neither empty nor everything; how many.

    ``sets``: uint64 [most, words] and ``which``: int32 [most, 2], place in ``chosen`` and colour, are
    written.
    ``slots``: int32 hash table, all 0.
    """
    count = 0
    words = sets.shape[1]
    mask = slots.shape[0] - 1
    sizes = np.zeros(COLOURED + 1, np.int64)
    for k in range(chosen.shape[0]):
        sizes[:] = 0
        for cell in range(total):
            sizes[cells[chosen[k], cell]] += 1
        sizes[COLOURED] = total - sizes[0]
        for colour in range(COLOURED + 1):
            if sizes[colour] == 0 or sizes[colour] == total:
                continue
            if count == sets.shape[0]:
                return count
            for word in range(words):
                sets[count, word] = 0
            for cell in range(total):
                here = cells[chosen[k], cell]
                if here == colour or (colour == COLOURED and here != 0):
                    sets[count, cell // 64] |= np.uint64(1) << np.uint64(cell % 64)
            value = np.uint64(3)
            for word in range(words):
                value = (value ^ sets[count, word]) * np.uint64(0x9E3779B97F4A7C15)
                value ^= value >> np.uint64(31)
            slot = np.int64(value & np.uint64(mask))
            known = False
            while slots[slot] > 0:
                same = True
                for word in range(words):
                    if sets[slots[slot] - 1, word] != sets[count, word]:
                        same = False
                        break
                if same:
                    known = True
                    break
                slot = (slot + 1) & mask
            if known:
                continue
            slots[slot] = count + 1
            which[count, 0], which[count, 1] = k, colour
            count += 1
    return count


@outer
def coloured_cells(cells: np.ndarray, chosen: np.ndarray, coloured: np.ndarray) -> None:
    """coloured[k] = the cells on which piece ``chosen[k]`` is not empty."""
    coloured[:] = 0
    for k in range(chosen.shape[0]):
        for cell in range(64 * coloured.shape[1]):
            if cell < cells.shape[1] and cells[chosen[k], cell] != 0:
                coloured[k, cell // 64] |= np.uint64(1) << np.uint64(cell % 64)


@inner
def _bits(value):
    value = value - ((value >> np.uint64(1)) & np.uint64(0x5555555555555555))
    value = (value & np.uint64(0x3333333333333333)) + (
        (value >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    value = (value + (value >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((value * np.uint64(0x0101010101010101)) >> np.uint64(56))


@outer
def decision_list(
    base: np.ndarray,
    good: np.ndarray,
    takes: np.ndarray,
    sets: np.ndarray,
    full: np.ndarray,
    rules: np.ndarray,
    whole: np.ndarray,
) -> tuple[int, int]:
    """Rules that mend a base, and single rules that mend all of it.

    ``base``: uint64 [words], the cells that the base has right. ``good``: as ``good_cells`` makes it; rules
    take only its rows ``takes``. ``sets``: conditions, cheapest first. ``full``: all cells. ``rules``: int32
    [MOST_RULES, 2], condition and row of each rule, written. ``whole``: int32 [most, 2], single rules,
    written.
    Returns how many rules (0: they do not mend all) and how many single rules. Of rules that mend equally
    many cells the first is taken. A rule holds where no earlier one does.
    """
    words = base.shape[0]
    open_ = full.copy()
    wrong = np.empty_like(base)
    missing = 0
    for word in range(words):
        wrong[word] = full[word] & ~base[word]
        missing += _bits(wrong[word])
    singles = 0
    for step in range(rules.shape[0]):
        best, best_take, most = -1, -1, 0
        for k in range(sets.shape[0]):
            gain = 0
            for word in range(words):
                gain += _bits(sets[k, word] & wrong[word])
            if gain == 0 or (gain <= most and not (step == 0 and gain == missing)):
                continue
            for place in range(takes.shape[0]):
                take = takes[place]
                fits = True
                for word in range(words):
                    if sets[k, word] & open_[word] & ~good[take, word]:
                        fits = False
                        break
                if not fits:
                    continue
                if gain > most:
                    best, best_take, most = k, take, gain
                if step == 0 and gain == missing and singles < whole.shape[0]:
                    whole[singles, 0], whole[singles, 1] = k, take
                    singles += 1
                break
        if best < 0:
            return 0, singles
        rules[step, 0], rules[step, 1] = best, best_take
        missing -= most
        for word in range(words):
            wrong[word] &= ~sets[best, word]
            open_[word] &= ~sets[best, word]
        if missing == 0:
            return step + 1, singles
    return 0, singles


@outer
def greedy_cover(
    good: np.ndarray, coloured: np.ndarray, full: np.ndarray, favoured: np.ndarray, layers: np.ndarray
) -> int:
    """Cover all cells by layers of pieces; how many layers, 0 where that fails.

    A layer is a piece and a mode: 1 uses its coloured cells, 2 its empty cells, 3 all. Each layer covers the
    cells that no earlier one has; it may cover none on which it is wrong. The layer that covers most of the
    ``favoured`` cells is taken; of equals that with most cells, then the first. ``layers``: int32 [most,
    2], written.
    """
    words = full.shape[0]
    open_ = full.copy()
    for layer in range(layers.shape[0]):
        best, best_mode, most, most_all = -1, 0, 0, 0
        for k in range(coloured.shape[0]):
            some_right, none_right = True, True
            for word in range(words):
                bad = open_[word] & ~good[k, word]
                if bad & coloured[k, word]:
                    some_right = False
                if bad & ~coloured[k, word]:
                    none_right = False
                if not some_right and not none_right:
                    break
            if not some_right and not none_right:
                continue
            some, none, all_some, all_none = 0, 0, 0, 0
            for word in range(words):
                inside, outside = open_[word] & coloured[k, word], open_[word] & ~coloured[k, word]
                if some_right:
                    all_some += _bits(inside)
                    some += _bits(inside & favoured[word])
                if none_right:
                    all_none += _bits(outside)
                    none += _bits(outside & favoured[word])
            mode = (1 if some_right and all_some else 0) + (2 if none_right and all_none else 0)
            if mode and (some + none > most or (some + none == most and all_some + all_none > most_all)):
                best, best_mode, most, most_all = k, mode, some + none, all_some + all_none
        if best < 0:
            return 0
        layers[layer, 0], layers[layer, 1] = best, best_mode
        left = 0
        for word in range(words):
            if best_mode & 1:
                open_[word] &= ~coloured[best, word]
            if best_mode & 2:
                open_[word] &= coloured[best, word]
            left += _bits(open_[word])
        if left == 0:
            return layer + 1
    return 0


def where(picture: np.ndarray, colour: int) -> np.ndarray:
    """bool: the cells of this colour, or all coloured ones for COLOURED."""
    return picture != 0 if colour == COLOURED else picture == colour
