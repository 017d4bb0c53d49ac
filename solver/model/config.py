"""Closed configurations of the networks. An unknown key is an error that names the nearest one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import UnionType
from typing import Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

from solver.words import closest

Canvas = Literal["full", "cropped"]
PosEncodings = Literal["rope", "rope2d", "learned", "none"]
MemoryKind = Literal["table", "cose"]
Tokens = Any  # a number of tokens, or an array of such; results have the same form


def checked(cls: type, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """``values`` if each is a field of the dataclass ``cls`` and of its type; else ValueError."""
    known = {field.name for field in fields(cls)}
    hints = get_type_hints(cls)
    for key, value in values.items():
        if key not in known:
            raise ValueError(f"{where}: unknown key {key}{closest(key, sorted(known))}")
        hint = hints[key]
        if get_origin(hint) is Literal:
            if value not in get_args(hint):
                raise ValueError(f"{where}: {key} is {value!r}, wanted one of {', '.join(get_args(hint))}")
        elif hint is float and type(value) is int:
            continue
        elif get_origin(hint) is UnionType:
            if type(value) not in get_args(hint):
                raise ValueError(f"{where}: {key} is {value!r}, wanted {hint}")
        elif type(value) is not (get_origin(hint) or hint):
            raise ValueError(f"{where}: {key} is {value!r}, wanted {hint.__name__}")
    return dict(values)


def swiglu_width(width: int, expansion: float) -> int:
    """Width inside a SwiGLU: two thirds of the expansion, rounded up to a multiple of 256."""
    return -(-round(expansion * width * 2 / 3) // 256) * 256


@dataclass(frozen=True)
class NetworkConfig:
    """What every network of the family has; the defaults are the released URM's.

    ``canvas``: every pair on ``canvas_side`` x ``canvas_side`` cells (full), or on the box of its
    grids (cropped). ``puzzle_emb_ndim``: width of a puzzle embedding; it is prepended as
    ``puzzle_emb_len`` tokens (0: as many as the width needs), zero-padded to fill them.
    """

    arch: ClassVar[str] = ""

    vocab_size: int = 12
    hidden_size: int = 512
    num_heads: int = 8
    expansion: float = 4.0
    H_cycles: int = 2
    L_cycles: int = 6
    loops: int = 16
    puzzle_emb_ndim: int = 512
    puzzle_emb_len: int = 0
    pos_encodings: PosEncodings = "rope"
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-5
    canvas: Canvas = "full"
    canvas_side: int = 30
    memory: MemoryKind = "table"
    memory_rank: int = 0

    def __post_init__(self) -> None:
        where = f"{type(self).__name__}"
        counts = ("vocab_size", "hidden_size", "num_heads", "H_cycles", "L_cycles", "loops")
        layers = ("num_layers", "H_layers", "L_layers")
        for name in (*counts, *(name for name in layers if hasattr(self, name))):
            if getattr(self, name) < 1:
                raise ValueError(f"{where}: {name} is {getattr(self, name)}, wanted at least 1")
        if self.hidden_size % (4 * self.num_heads):
            raise ValueError(
                f"{where}: hidden_size {self.hidden_size}, wanted a multiple of 4 x {self.num_heads} heads"
            )
        if not 1 <= self.canvas_side <= 30:
            raise ValueError(f"{where}: canvas_side is {self.canvas_side}, wanted 1 to 30")
        if self.puzzle_emb_ndim > self.prefix_len * self.hidden_size:
            raise ValueError(
                f"{where}: puzzle_emb_ndim {self.puzzle_emb_ndim} does not fit "
                f"{self.prefix_len} tokens of {self.hidden_size}"
            )

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_heads

    @property
    def prefix_len(self) -> int:
        """Tokens in front of the canvas that carry the puzzle embedding; 0 without embeddings."""
        return self.puzzle_emb_len or -(-self.puzzle_emb_ndim // self.hidden_size)

    @property
    def seq_len(self) -> int:
        """Cells of the full canvas."""
        return self.canvas_side * self.canvas_side

    @property
    def intermediate_size(self) -> int:
        """Width inside the SwiGLU."""
        return swiglu_width(self.hidden_size, self.expansion)

    @property
    def use_continue(self) -> bool:
        """Whether a sequence halts on q_halt > q_continue, and q_continue is trained, instead of on
        q_halt > 0."""
        return False

    def layers_per_loop(self) -> tuple[int, int]:
        """(layers that one loop runs, those of them with gradient): the loop's operations are counted from
        them. ValueError where a custom configuration does not define it."""
        raise ValueError(
            f"{type(self).__name__}: expected a method layers_per_loop, from which operations are counted"
        )

    def layer_flop(self, length: Tokens) -> Tokens:
        """Floating-point operations of one layer, forward, on a sequence of ``length`` tokens, prefix
        included; two a multiply-add: length (8 d^2 + 6 d i + 4 d length), width d, intermediate i."""
        d, i = self.hidden_size, self.intermediate_size
        return length * (8 * d * d + 6 * d * i + 4 * d * length)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "config") -> Self:
        """The configuration with these values; ValueError naming ``where`` for a wrong key or type."""
        return cls(**checked(cls, values, where))


@dataclass(frozen=True)
class URMConfig(NetworkConfig):
    """Universal Reasoning Model (arXiv 2512.14693)."""

    arch: ClassVar[str] = "urm"

    num_layers: int = 4

    def layers_per_loop(self) -> tuple[int, int]:
        """Every recurrence runs all layers; the last L_cycles have gradient."""
        with_gradient = self.L_cycles * self.num_layers
        return self.H_cycles * with_gradient, with_gradient


@dataclass(frozen=True)
class TRMConfig(NetworkConfig):
    """Tiny Recursive Model (arXiv 2510.04871). ``mlp_t``: a SwiGLU over the sequence instead of
    attention, which fixes the sequence's length. ``no_ACT_continue``: halt on q_halt alone."""

    arch: ClassVar[str] = "trm"

    H_cycles: int = 3
    L_cycles: int = 6
    puzzle_emb_len: int = 16
    L_layers: int = 2
    mlp_t: bool = False
    no_ACT_continue: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mlp_t and self.canvas != "full":
            raise ValueError(
                f"{type(self).__name__}: mlp_t mixes a sequence of one fixed length, "
                f"so canvas is {self.canvas!r}, wanted 'full'"
            )

    @property
    def use_continue(self) -> bool:
        """Whether a sequence halts on q_halt > q_continue."""
        return not self.no_ACT_continue

    def layers_per_loop(self) -> tuple[int, int]:
        """An H cycle runs the stack L_cycles + 1 times; the last one has gradient."""
        with_gradient = (self.L_cycles + 1) * self.L_layers
        return self.H_cycles * with_gradient, with_gradient

    def layer_flop(self, length: Tokens) -> Tokens:
        """With ``mlp_t`` a SwiGLU over the sequence, of the full canvas always, replaces attention."""
        if not self.mlp_t:
            return super().layer_flop(length)
        whole, d, i = self.prefix_len + self.seq_len, self.hidden_size, self.intermediate_size
        return length * 0 + 6 * d * whole * swiglu_width(whole, self.expansion) + 6 * whole * d * i


@dataclass(frozen=True)
class HRMConfig(NetworkConfig):
    """Hierarchical Reasoning Model (arXiv 2506.21734)."""

    arch: ClassVar[str] = "hrm"

    H_cycles: int = 2
    L_cycles: int = 2
    H_layers: int = 4
    L_layers: int = 4

    @property
    def use_continue(self) -> bool:
        """HRM always weighs halting against going on."""
        return True

    def layers_per_loop(self) -> tuple[int, int]:
        """An H cycle runs the L stack L_cycles times and the H stack once; the last update of each has
        gradient."""
        every = self.H_cycles * (self.L_cycles * self.L_layers + self.H_layers)
        return every, self.L_layers + self.H_layers
