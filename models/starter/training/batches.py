"""Training batches: each of one kind, one size and one text length, so that a few compiled shapes serve all.

Captions and references are dropped at times, which is what guidance at sampling time needs.
"""

import random
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from network import patchify
from tokenizer import MAX_TOKENS, PAD_MULTIPLE, padded

PATCH = 16
FOREGROUND = 3.0  # a patch that a subject covers counts this much more than background
SQUARE = (128, 128)
# Equal area in whole patches: 4:5 and its inverse (7x9), 3:5 and its inverse (6x10).
OTHER_SIZES = [(144, 112), (112, 144), (160, 96), (96, 160)]
KINDS = {"picture": 0.68, "wide": 0.03, "long": 0.02, "reference": 0.17, "edit": 0.09, "pair": 0.01}
USUAL = ("picture", "reference", "edit")  # frequent enough to be worth compiling for
SHARE = {"picture": 1.0, "wide": 0.5, "long": 0.5, "reference": 0.75, "edit": 0.75, "pair": 0.25}  # of the batch size


@dataclass
class Batch:
    kind: str
    grid: tuple
    ids: torch.Tensor  # [B, T]
    target: torch.Tensor  # [B, N, 1024] in -1..1
    weight: torch.Tensor  # [B, N], mean 1: how much each patch counts
    references: torch.Tensor | None  # [B, R, 1024]
    reference_grids: list


def to_patches(pictures):
    return patchify(pictures * 2 - 1, PATCH)


def importance(masks):
    """Weights [B, N] of patches from coverage [B, figures, H, W]: backgrounds are few and learnt soon, subjects are many."""
    covered = F.avg_pool2d(masks.amax(1, keepdim=True), PATCH).flatten(1)
    weight = 1 + FOREGROUND * covered
    return weight / weight.mean()


class Batches:
    """`next()` gives a batch. Drawing costs as much as a fifth of a training step on a CPU, so a batch is used
    `uses` times, some steps apart, each time with other noise."""

    def __init__(self, stage, tasks, tokenizer, size, seed, rank=0, uses=3):
        """Processes share the order of kinds, so that none waits for another's longer batch."""
        self.uses, self.drawn = uses, {}
        self.stage, self.tasks, self.tokenizer, self.size = stage, tasks, tokenizer, size
        self.kinds, self.r = random.Random(seed), random.Random(seed + 7919 * (rank + 1))

    def next(self):
        kind = self.kinds.choices(list(KINDS), KINDS.values())[0]
        kept = self.drawn.setdefault(kind, [])
        # Several batches of a kind wait in line, so that uses of one lie apart.
        if not kept or (len(kept) < 8 and self.kinds.random() < 1 / self.uses):
            kept.append([self.draw(kind), self.uses])
        entry = kept.pop(0)
        if entry[1] > 1:
            kept.append([entry[0], entry[1] - 1])
        return entry[0]

    def draw(self, kind):
        r = self.r
        draw = self.tasks.picture if kind in ("picture", "wide", "long") else getattr(self.tasks, kind)
        length = MAX_TOKENS if kind == "long" else PAD_MULTIPLE
        height, width = self.kinds.choice(OTHER_SIZES) if kind == "wide" else SQUARE
        chosen, ids = [], []
        while len(chosen) < int(self.size * SHARE[kind]):
            task = draw(r)
            tokens = self.tokenizer.encode(task.caption).ids
            if len(tokens) > length or (kind == "long" and len(tokens) <= PAD_MULTIPLE and r.random() < 0.75):
                continue
            if r.random() < 0.08 and len(tokens) < length:  # a word it does not know must not derail it
                tokens.insert(r.randrange(len(tokens)), r.randrange(1, self.tokenizer.get_vocab_size()))
            chosen.append(task)
            ids.append(padded([] if r.random() < 0.08 else tokens, length))
        pictures, masks = self.stage.compose([t.target for t in chosen], height, width, with_masks=True)
        count = len(chosen[0].references)
        references = None
        if count:
            parts = [to_patches(self.stage.compose([t.references[i] for t in chosen], *SQUARE)) for i in range(count)]
            references = torch.cat(parts, 1)
        grid = (height // PATCH, width // PATCH)
        return Batch(kind, grid, torch.tensor(ids), to_patches(pictures), importance(masks), references, [(8, 8)] * count)
