"""Makes the embedded model: draws captioned scenes, trains a small CLIP on them, writes weights and card.

    python tools/pretrain_tiny.py --out promptzoo/zoo_tiny
"""

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import tiny_scenes as scenes
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from promptzoo.data.digits import WORDS, ClutteredDigits

HERE = Path(__file__).resolve().parents[1] / "promptzoo" / "zoo_tiny"
MEAN, STD = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)))


@dataclass(frozen=True)
class Settings:
    """All that a run depends on."""

    steps: int = 5000
    batch: int = 128
    pool: int = 60000
    lr: float = 1e-3
    warmup: int = 200
    weight_decay: float = 0.1
    seed: int = 0
    threads: int = 2
    precision: str = "bf16"


def _some(seed: int, split: str, rising: int, numbers: range) -> list[tuple[np.ndarray, scenes.Scene]]:
    return [scenes.draw(seed, number, split, min(1.0, number / rising) if rising else 1.0) for number in numbers]


def draw_pool(seed: int, many: int, split: str, workers: int, rising: int = 0) -> tuple[Tensor, list[scenes.Scene]]:
    """Scenes 0..many-1 of a split, `n 3 h w` in bytes, the same for any number of workers."""
    parts = [range(start, min(start + 500, many)) for start in range(0, many, 500)]
    if workers > 1 and len(parts) > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
            drawn = list(pool.map(partial(_some, seed, split, rising), parts))
    else:
        drawn = [_some(seed, split, rising, part) for part in parts]
    flat = [one for part in drawn for one in part]
    return torch.from_numpy(np.stack([pixels for pixels, _ in flat])).permute(0, 3, 1, 2).contiguous(), [s for _, s in flat]


@cache
def tokens(text: str) -> tuple[int, ...]:
    return tuple(_tokenizer()(text)[0].tolist())


@cache
def _tokenizer() -> SimpleTokenizer:
    return SimpleTokenizer(context_length=77)


def encode_captions(model: CLIP, captions: list[str]) -> Tensor:
    """Unit features of captions; each distinct one is encoded once, without the empty end of its context."""
    distinct = sorted(set(captions))
    rows = torch.tensor([tokens(text) for text in distinct])
    length = int((rows != 0).sum(1).max())
    rows = rows[:, :length]
    x = model.token_embedding(rows) + model.positional_embedding[:length]
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    x = x[torch.arange(len(rows)), rows.argmax(1)] @ model.text_projection
    number = {text: at for at, text in enumerate(distinct)}
    return F.normalize(x.float(), dim=-1)[[number[text] for text in captions]]


def pixels(pictures: Tensor) -> Tensor:
    return (pictures.float() / 255 - MEAN) / STD


def contrast(image: Tensor, text: Tensor, own: Tensor, true: Tensor, scale: Tensor) -> Tensor:
    """Symmetric InfoNCE in which a caption that is true of another picture does not count against it.

    Shapes: image b d, text t d; own t (the picture of each caption), true b t (the caption fits the picture).
    """
    logits = scale * image @ text.T
    mine = logits[own, torch.arange(len(own))]
    others = logits.masked_fill(true, -torch.inf)
    per_picture = torch.logaddexp(mine, others.logsumexp(1)[own]) - mine
    per_caption = torch.logaddexp(mine, others.logsumexp(0)) - mine
    return (per_picture.mean() + per_caption.mean()) / 2


class Run:
    """A pretraining run: its model, its optimizer, its pool of scenes and the number of steps done."""

    def __init__(self, settings: Settings, config: dict[str, Any]) -> None:
        self.settings, self.done = settings, 0
        torch.set_num_threads(settings.threads)
        torch.manual_seed(settings.seed)
        self.model = CLIP(**config)
        table, rest, plain = [], [], []
        for name, parameter in self.model.named_parameters():
            group = table if name == "token_embedding.weight" else rest if parameter.ndim >= 2 else plain
            group.append(parameter)
        groups = [{"params": rest, "weight_decay": settings.weight_decay}, {"params": plain + table, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=settings.lr, betas=(0.9, 0.98), eps=1e-6, fused=True)
        self.pictures, self.scenes = draw_pool(settings.seed, settings.pool, "pretrain", settings.threads, settings.pool * 2 // 2)
        self.facts = torch.from_numpy(scenes.tell([scene.facts() for scene in self.scenes]))

    def learning_rate(self) -> float:
        s = self.settings
        if self.done < s.warmup:
            return s.lr * (self.done + 1) / s.warmup
        return s.lr * 0.5 * (1 + float(np.cos(np.pi * (self.done - s.warmup) / max(1, s.steps - s.warmup))))

    def ready(self) -> int:
        """How many scenes of the pool, which is ordered from easy to hard, are drawn from by now."""
        share = min(1.0, 0.1 + 1.5 * self.done / self.settings.steps)
        return min(len(self.scenes), max(self.settings.batch, int(share * len(self.scenes))))

    def step(self) -> float:
        """One step; it depends on the settings and on the number of steps done alone."""
        s = self.settings
        rng = np.random.default_rng([s.seed, 1, self.done])
        chosen = rng.choice(self.ready(), s.batch, replace=False)
        told = [scenes.caption(rng, self.scenes[i], about) for i in chosen for about in ("digit", "anything")]
        own = torch.arange(len(told)) // 2
        claims = torch.from_numpy(scenes.tell([claim for _, claim in told]))
        true = (1 - self.facts[chosen]) @ claims.T < 0.5
        shifted = self.pictures[chosen].roll(tuple(rng.integers(-2, 3, 2).tolist()), (2, 3))
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        with sdpa_kernel(SDPBackend.MATH), torch.autocast("cpu", torch.bfloat16, enabled=s.precision == "bf16"):
            image = self.model.encode_image(pixels(shifted), normalize=True)
            text = encode_captions(self.model, [caption for caption, _ in told])
        loss = contrast(image.float(), text, own, true, self.model.logit_scale.exp())
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, float(np.log(100)))
        self.done += 1
        return loss.item()

    def save(self, path: Path) -> None:
        """Writes the checkpoint so that a kill leaves either the old one or the new one."""
        state = {
            "settings": asdict(self.settings), "done": self.done,
            "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip
        torch.save(state, path.with_suffix(".part"))
        os.replace(path.with_suffix(".part"), path)

    def load(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        if state["settings"] != asdict(self.settings):
            raise SystemExit(f"{path}: made with {state['settings']}, this run has {asdict(self.settings)}")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done = state["done"]


@torch.no_grad()
def features(model: CLIP, pictures: Tensor) -> Tensor:
    return torch.cat([model.encode_image(pixels(part), normalize=True) for part in pictures.split(100)])


@torch.no_grad()
def zero_shot(model: CLIP, image: Tensor, labels: Tensor, template: str) -> float:
    """Share of pictures (unit features) whose class name, in the template, lies nearest."""
    text = encode_captions(model, [template.format(word) for word in WORDS])
    return float(((image @ text.T).argmax(1) == labels).float().mean())


def digits(part: str) -> tuple[Tensor, Tensor]:
    """Pictures and labels of a split of the embedded set."""
    listed = getattr(ClutteredDigits(), part)
    drawn = np.stack([np.asarray(picture.open()) for picture in listed])
    return torch.from_numpy(drawn).permute(0, 3, 1, 2), torch.tensor([picture.label for picture in listed])
