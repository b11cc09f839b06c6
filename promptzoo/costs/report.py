"""The cost of one model, in types: everything that `promptzoo report` prints, draws or writes comes from a `Report`."""

from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter

GIGA = 1e9  # operations are printed in billions


@dataclass(frozen=True)
class Operations:
    """Operations of one forward: `products` are multiply-accumulates of matrices, convolutions and attention.

    `norms` are those of normalisations as fvcore counts them, `elementwise` one for each entry that an activation,
    sum, comparison or selection touches; those are not multiply-accumulates and stay out of `macs`.
    """

    products: float = 0.0
    norms: float = 0.0
    elementwise: float = 0.0

    @property
    def macs(self) -> float:
        """Multiply-accumulates, norms included, as fvcore counts."""
        return self.products + self.norms

    @property
    def flops(self) -> float:
        """Two for each multiply-accumulate."""
        return 2 * self.macs

    def __add__(self, other: "Operations") -> "Operations":
        return Operations(
            self.products + other.products, self.norms + other.norms, self.elementwise + other.elementwise
        )


@dataclass(frozen=True)
class Share:
    """Tuned parameters in percent of something; `name` says the convention, `what` the denominator in words."""

    name: str
    what: str
    numerator: int
    denominator: int

    @property
    def percent(self) -> float:
        return 100 * self.numerator / self.denominator


@dataclass(frozen=True)
class Parameters:
    """Counts of parameters.  `inference` are the tuned ones that a prediction needs; losses and what they own do not.

    `text` is 0 where there is no text tower.  `thawed` are those tuned parameters that are the towers' own.
    `checkpoint` is what the tuned part takes on disk, in bytes.
    """

    visual: int
    text: int
    tuned: int
    thawed: int
    inference: int
    head: int
    checkpoint: int

    @property
    def total(self) -> int:
        return self.visual + self.text + self.tuned - self.thawed


@dataclass(frozen=True)
class Block:
    """A block of a graft, or a sum that the graft asks for: tuned parameters, and its own operations."""

    name: str
    tuned: int
    own: Operations = Operations()


@dataclass(frozen=True)
class Part:
    """A graft, a loss, the head, or what was thawed.

    `own` is what its modules compute themselves at inference, `marginal` the multiply-accumulates of the whole with it
    minus those without it (None where it cannot stand aside alone).
    """

    kind: str
    name: str
    tuned: int
    own: Operations = Operations()
    marginal: float | None = None
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class SiteCost:
    """Where in the frozen network operations happen: a layer, or a site pattern.

    `operations` are all that happens there, `grafted` what grafts compute of it.
    """

    name: str
    operations: Operations
    grafted: Operations = Operations()


@dataclass(frozen=True)
class Training:
    """Multiply-accumulates of one training step for one picture, products alone: forward, and backward as it runs.

    The backward reaches as far down as something learns, and no frozen weight gets a gradient.
    `bare` is the bare backbone's forward, `batch` the pictures of the step.
    """

    forward: float
    backward: float
    bare: float
    batch: int

    @property
    def macs(self) -> float:
        return self.forward + self.backward


@dataclass(frozen=True)
class Text:
    """The text tower: multiply-accumulates for one class, how many classes, and whether they are encoded only once."""

    per_class: float
    classes: int
    cached: bool

    @property
    def per_picture(self) -> float:
        """What the texts add to each picture at inference."""
        return 0.0 if self.cached else self.per_class * self.classes


@dataclass(frozen=True)
class Report:
    """The cost of a recipe on its backbone, for one picture.

    `uncounted` lists operations that no rule counts, with how often each occurs; it should be empty.
    `remarks` say what stands in for what is not here.
    """

    name: str
    backbone: str
    classes: int
    parameters: Parameters
    shares: tuple[Share, ...]
    inference: Operations
    bare: Operations
    training: Training | None
    text: Text | None
    parts: tuple[Part, ...]
    layers: tuple[SiteCost, ...]
    sites: tuple[SiteCost, ...]
    uncounted: dict[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    recipe: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON; what is derived is written too."""
        told = asdict(self)
        for group in ("inference", "bare"):
            one: Operations = getattr(self, group)
            told[group] |= {"macs": one.macs, "flops": one.flops}
        told["parameters"]["total"] = self.parameters.total
        for share, node in zip(self.shares, told["shares"], strict=True):
            node["percent"] = share.percent
        return told

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Report":
        """The inverse of `to_dict`."""
        return TypeAdapter(cls).validate_python(told)


@dataclass(frozen=True)
class Counted:
    """What a list shows of a recipe: classes, tuned parameters, their shares, and operations where it asks for them."""

    classes: int
    tuned: int
    shares: tuple[Share, ...]
    inference: Operations | None = None
