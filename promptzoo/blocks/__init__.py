"""The papers' blocks: plain modules from tensors to tensors, each usable alone.

    from promptzoo.blocks import LocalityInteraction

Axes: `b` images, `n` patches, `d` width, `c` classes, `t` width of the knowledge, `l` layers, `m` prompts per layer,
`h` heads of width `e`.  A block that is `linear` maps each token x to x A + c in evaluation mode, whatever the others,
so that a frozen weight which it stands at can take it up (`promptzoo merge`).  Only torch and einops are needed;
torch-geometric is imported where a graph is asked for.  Every constructor here looks at its arguments, by `sized`.
"""

from promptzoo.blocks.adapter import PromptAdapter, PromptAdapterPaper
from promptzoo.blocks.align import AlignedCrossAttention, GlobalCrossAttention
from promptzoo.blocks.attention import KnowledgeLocalityAttention, KnowledgeLocalityAttentionPaper, MeanTokens
from promptzoo.blocks.blend import Blend
from promptzoo.blocks.bottleneck import Bottleneck, Identity
from promptzoo.blocks.convolution import ConvAdapter
from promptzoo.blocks.coupling import Coupling, IndependentPrompts
from promptzoo.blocks.frame import PixelFrame
from promptzoo.blocks.fusion import KeepOwn, PromptFusion, PromptFusionPaper
from promptzoo.blocks.generator import LearnedPrompts, PromptGenerator, PromptGeneratorPaper
from promptzoo.blocks.locality import LocalityInteraction, LocalityInteractionPaper
from promptzoo.blocks.low_rank import LowRank
from promptzoo.blocks.maps import PromptMap, PromptMapPaper, ZeroMap
from promptzoo.blocks.scale_shift import ScaleShift
from promptzoo.blocks.shape import sized

__all__ = [
    "AlignedCrossAttention",
    "Blend",
    "Bottleneck",
    "ConvAdapter",
    "Coupling",
    "GlobalCrossAttention",
    "Identity",
    "IndependentPrompts",
    "KeepOwn",
    "KnowledgeLocalityAttention",
    "KnowledgeLocalityAttentionPaper",
    "LearnedPrompts",
    "LocalityInteraction",
    "LocalityInteractionPaper",
    "LowRank",
    "MeanTokens",
    "PixelFrame",
    "PromptAdapter",
    "PromptAdapterPaper",
    "PromptFusion",
    "PromptFusionPaper",
    "PromptGenerator",
    "PromptGeneratorPaper",
    "PromptMap",
    "PromptMapPaper",
    "ScaleShift",
    "ZeroMap",
]

for name in __all__:
    if "__init__" in vars(globals()[name]):  # and not another's
        sized(globals()[name])
