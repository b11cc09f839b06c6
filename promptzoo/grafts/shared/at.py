"""A method without a class: blocks `before`, `after` or `beside` what stands at some sites; or `thaw` what is there."""

from functools import partial

from torch import nn

from promptzoo.errors import ZooError
from promptzoo.model.blueprint import Make
from promptzoo.model.contract import Graft
from promptzoo.model.heads import text_head
from promptzoo.model.holding import demand_axes
from promptzoo.model.model import FROZEN, Model
from promptzoo.model.site import Site, after, bare, before, beside

VERBS = {"before": before, "after": after, "beside": beside}
THAWS = ("all", "bias", "norms")
NORMS = (nn.LayerNorm, nn.BatchNorm2d, nn.GroupNorm, nn.RMSNorm)


class AtSite(Graft):
    """One block at each site that a pattern, or one of several, names; built from that site's sizes.

    What stands `after` a site takes what leaves it: its `dim` is the site's `out`.
    `only` keeps some layers.  Raises `ZooError` when nothing matches, with the sites there are.
    """

    acts_alone = True  # nothing elsewhere costs more or less for it

    def __init__(self, at: str | list[str], verb: str, block: Make, *, only: list[int] | None = None):
        super().__init__()
        self.at, self.verb, self.make, self.only = listed(at), verb, block, only
        self.blocks = nn.ModuleList()

    def attach(self, model: Model, name: str) -> None:
        """Builds and grafts the blocks, one for each site."""
        check_text(model, self.at, name)
        for site in sites(model, self.at, self.only):
            sizes = {**site.sizes, "dim": site.out} if self.verb == "after" and site.out else site.sizes
            block = self.make(**sizes)
            demand_axes(block, bare(site.module), name, site.path)
            self.blocks.append(block)
            site.around(partial(VERBS[self.verb], block), name)


class Thaw(Graft):
    """Lets frozen parameters learn: those below the sites that a pattern, or one of several, names.

    `all` of them (full fine-tuning: `visual`), each `bias` (BitFit, Ben Zaken et al. 2022: `visual`, too), or scale and
    shift of the `norms`, whose statistics stay (BN-tuning: Frankle et al. 2021, there of random networks).
    Raises `ZooError` when nothing matches, or when nothing there has such parameters.
    """

    acts_alone = True

    def __init__(self, at: str | list[str], thaw: str = "all", *, only: list[int] | None = None):
        super().__init__()
        if thaw not in THAWS:
            raise ZooError(f"thaw takes no '{thaw}'", key="thaw", given=thaw, possible=THAWS)
        self.at, self.thaw, self.only = listed(at), thaw, only

    def attach(self, model: Model, name: str) -> None:
        """Moves the parameters to the side that learns."""
        check_text(model, self.at, name)
        towers = [getattr(model, path) for path in self.at if path in FROZEN and getattr(model, path) is not None]
        patterns = [path for path in self.at if path not in FROZEN or getattr(model, path) is None]
        places = [*towers, *(site.module for site in sites(model, patterns, self.only))]
        thawed = [
            parameter.requires_grad_()
            for place in places
            for module in place.modules()
            for word, parameter in module.named_parameters(recurse=False)
            if self.thaw in ("all", word) or (self.thaw == "norms" and isinstance(module, NORMS))
        ]
        if not thawed:
            what = {"all": "parameters", "norms": "a norm"}.get(self.thaw, f"a parameter called {self.thaw}")
            raise ZooError(f"nothing at {', '.join(self.at)} has {what} to thaw", key="thaw", given=self.at)


def check_text(model: Model, patterns: list[str], name: str) -> None:
    """What acts or learns in the text tower needs a head that reads it.  Raises `ZooError`."""
    if any(pattern.split(".")[0] == "text" for pattern in patterns):
        text_head(model, f"graft '{name}'")


def listed(at: str | list[str]) -> list[str]:
    return [at] if isinstance(at, str) else list(at)


def sites(model: Model, patterns: list[str], only: list[int] | None) -> list[Site]:
    """The sites that the patterns name, pattern after pattern."""
    return [site for pattern in patterns for site in model.at(pattern, only)]
