"""Labels of a video handed from frame to frame by patch features."""

import torch
import torch.nn.functional as F
from torch import Tensor

PIECE = 16  # patches of a row that are looked at together


def propagate_labels(
    target: Tensor,
    context: Tensor,
    labels: Tensor,
    *,
    grid: tuple[int, int],
    radius: int | None,
    keep: int = 5,
    temperature: float = 0.1,
) -> Tensor:
    """Each patch's label, as the patches of earlier frames near its place that it resembles have it: -> n c.

    Jabri et al. 2020 (Space-Time Correspondence) arXiv:2006.14613, as DINO (Caron et al. 2021, arXiv:2104.14294) scores
    DAVIS: the context is the first frame and the 7 before this one, the radius 12.  Features n d of this frame and
    f n d of the context, row by row on `grid` (h, w), and the context's labels f n c.  Of all context patches no more
    than `radius` rows and columns away (None: any) the `keep` of highest cosine count, weighted by
    softmax(cosine / temperature).
    """
    (h, w), (frames, _, d), c = grid, context.shape, labels.shape[-1]
    reach = max(h, w) if radius is None else radius
    target = F.normalize(target, dim=-1).view(h, w, d)
    context = F.normalize(context, dim=-1).view(frames, h, w, d).permute(1, 2, 0, 3).contiguous()
    labels = labels.reshape(frames, h, w, c).permute(1, 2, 0, 3).contiguous()
    found = labels.new_empty(h, w, c)
    columns = torch.arange(w, device=target.device)
    for start in range(0, w, PIECE):  # piece by piece, since all pairs of two large frames do not fit into memory
        here = slice(start, min(w, start + PIECE))
        beside = slice(max(0, start - reach), here.stop + reach)
        far = ((columns[beside, None] - columns[here]).abs() > reach)[:, None]  # z 1 x
        for row in range(h):
            near = slice(max(0, row - reach), row + reach + 1)
            there = context[near, beside]  # y z f d
            asked = target[row, here].mT.expand(len(there), -1, -1)
            cosine = torch.bmm(there.flatten(1, 2), asked).view(*there.shape[:3], -1)
            cosine = cosine.masked_fill_(far, -torch.inf).flatten(0, 2)
            best, index = cosine.topk(min(keep, len(cosine)), dim=0)
            weight = (best / temperature).softmax(0)
            found[row, here] = torch.einsum("k x, k x c -> x c", weight, labels[near, beside].reshape(-1, c)[index])
    return found.view(-1, c)
