"""A method at one site: `at` a pattern, a block `before`, `after` or `beside` what stands there; or `thaw` it."""

from functools import partial

from torch import nn

from promptzoo.errors import ZooError
from promptzoo.graft import after, before, beside
from promptzoo.heads import text_head
from promptzoo.make import Make
from promptzoo.model import Model, Needs

VERBS = {"before": before, "after": after, "beside": beside}


class AtSite(nn.Module):
    """One block at each site that a pattern names, built from that site's sizes.

    `only` keeps some layers.  Raises `ZooError` when nothing matches, with the sites there are.
    """

    acts_alone = True  # nothing elsewhere costs more or less for it
    writes = ()
    reads = ()

    def __init__(self, at: str, verb: str, block: Make, *, only: list[int] | None = None):
        super().__init__()
        self.at, self.verb, self.make, self.only = at, verb, block, only
        self.blocks = nn.ModuleList()

    def needs(self, model: Model) -> Needs:
        """No prefix tokens and no pathways."""
        return Needs()

    def attach(self, model: Model, name: str) -> None:
        """Builds and grafts the blocks, one for each site."""
        if self.at.startswith("text."):
            text_head(model, f"graft '{name}'")
        for site in model.at(self.at, self.only):
            sizes = site.sizes
            if self.verb == "after" and site.out is not None:
                sizes["dim"] = site.out  # what enters the block is what leaves the site
            block = self.make(**sizes)
            self.blocks.append(block)
            site.around(partial(VERBS[self.verb], block), name)


class Thaw(nn.Module):
    """Lets frozen parameters learn: all of those below the sites that a pattern names (full fine-tuning: `visual`).

    Raises `ZooError` when nothing matches, or when nothing there has parameters.
    """

    acts_alone = True
    writes = ()
    reads = ()

    def __init__(self, at: str, thaw: str = "all", *, only: list[int] | None = None):
        super().__init__()
        if thaw != "all":
            raise ZooError(f"thaw takes 'all', got '{thaw}'")
        self.at, self.only = at, only

    def needs(self, model: Model) -> Needs:
        """No prefix tokens and no pathways."""
        return Needs()

    def attach(self, model: Model, name: str) -> None:
        """Moves the parameters to the side that learns."""
        places = (
            [model.get_submodule(self.at)]
            if self.at in ("visual", "text")
            else [site.module for site in model.at(self.at, self.only)]
        )
        thawed = [p.requires_grad_() for place in places for p in place.parameters()]
        if not thawed:
            raise ZooError(f"nothing at '{self.at}' has parameters to thaw")
