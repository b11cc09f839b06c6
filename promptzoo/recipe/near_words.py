"""Words that other programs have for a setting, and words of another section: `meant_by`."""

from collections.abc import Mapping

from pydantic import BaseModel

from promptzoo.errors import nearest
from promptzoo.recipe.settings import BackboneSettings, DataSettings, KnowledgeSettings
from promptzoo.recipe.train_settings import TrainSettings

SECTIONS: Mapping[str, type[BaseModel]] = {
    "data": DataSettings,
    "train": TrainSettings,
    "backbone": BackboneSettings,
    "knowledge": KnowledgeSettings,
}

ELSEWHERE = {  # a word of other programs -> ours
    "train.devices": ("gpus", "num_gpus", "nproc", "ngpu", "world_size", "num_devices"),
    "train.device": ("gpu", "accelerator", "cuda"),
    "train.lr": ("learning_rate", "base_lr", "rate"),
    "train.epochs": ("num_epochs", "max_epochs", "n_epochs", "iterations", "steps", "max_steps"),
    "train.optimizer": ("optim", "opt", "optimiser"),
    "train.weight_decay": ("wd", "decay", "l2"),
    "train.schedule": ("scheduler", "lr_scheduler", "lr_schedule"),
    "train.warmup": ("warmup_epochs", "warm_up", "warmup_steps"),
    "train.final_lr": ("min_lr", "eta_min"),
    "train.clip": ("grad_clip", "clip_grad", "max_grad_norm", "gradient_clip_val"),
    "train.precision": ("amp", "dtype", "fp16", "bf16", "half", "mixed_precision"),
    "train.accumulate": ("accum_iter", "grad_accum", "gradient_accumulation_steps", "accumulate_grad_batches"),
    "train.patience": ("early_stopping", "early_stop"),
    "train.average": ("swa", "ema", "average_last"),
    "data.half": ("subset", "subsample_classes", "base_new"),
    "data.randaugment": ("rand_augment", "randaug", "aa"),
    "data.erase": ("reprob", "random_erasing", "random_erase"),
    "data.jitter": ("color_jitter", "colour_jitter"),
    "train.seed": ("random_state", "random_seed"),
    "train.logger": ("log", "tensorboard", "wandb"),
    "train.threads": ("num_threads", "cpus", "cores"),
    "train.strategy": ("ddp", "distributed"),
    "data.batch": ("batch_size", "bs", "batchsize"),
    "data.workers": ("num_workers", "n_workers"),
    "data.shots": ("num_shots", "k_shot", "n_shots"),
    "data.augment": ("augmentation", "aug", "auto_augment"),
    "data.interpolation": ("resample",),
    "backbone.image_size": ("img_size", "resolution", "input_size"),
    "backbone.open": ("model", "name", "arch", "architecture"),
    "backbone.weights": ("pretrained", "checkpoint", "ckpt"),
}


def meant_by(section: str, word: str) -> list[str]:
    """What somebody may have meant by a word that a section does not take: `['train.devices']` for gpus."""
    asked = word.casefold().replace("-", "_")
    known = {other for words in ELSEWHERE.values() for other in words}
    if asked not in known and (near := nearest(asked, known, most=1, likeness=0.8)):
        asked = near[0]
    named = [ours for ours, words in ELSEWHERE.items() if asked in words]
    here = [ours for ours in named if ours.startswith(f"{section}.")]
    return here or named or [f"{other}.{asked}" for other, cls in SECTIONS.items() if asked in cls.model_fields]
