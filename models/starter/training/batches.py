"""Training batches: each of one kind, one size and one text length, so that a few compiled shapes serve all.

A `Planner` thinks of tasks, which is Python's work and can be done in other processes; `Batches` composes their pictures
on the device. Captions and references are dropped at times, which is what guidance at sampling time needs.

    python batches.py --device cuda --workers 14        pictures composed in a second, with nothing else going on
"""

import argparse
import random
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from form import FORM
from network import patchify
from tasks import plainly
from tokenizer import MAX_TOKENS, PAD_MULTIPLE, padded

PATCH = 16
FOREGROUND = 3.0  # a patch that a subject covers counts this much more than background
SQUARE = (FORM.side, FORM.side)
KINDS = {"picture": 0.55, "wide": 0.03, "long": 0.02, "reference": 0.18, "edit": 0.21, "pair": 0.01}
USUAL = ("picture", "reference", "edit")  # frequent enough to be worth compiling for
SHARE = {"picture": 1.0, "wide": 0.5, "long": 0.5, "reference": 0.75, "edit": 0.75, "pair": 0.25}  # of the batch size


@dataclass
class Plan:
    kind: str
    size: tuple  # (height, width)
    ids: torch.Tensor  # [B, T]
    plain: torch.Tensor  # [B, T], the captions without style and tint
    targets: list  # of scenes
    references: list  # for each reference a list of scenes


@dataclass
class Batch:
    kind: str
    grid: tuple
    ids: torch.Tensor  # [B, T]
    plain: torch.Tensor  # [B, T], the captions without style and tint
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


class Planner(torch.utils.data.IterableDataset):
    """Plans without end. `kind` orders one of that kind."""

    def __init__(self, tasks, tokenizer, size, seed, rank=0):
        """Processes share the order of kinds, so that none waits for another's longer batch."""
        self.tasks, self.tokenizer, self.size = tasks, tokenizer, size
        self.kinds, self.r = random.Random(seed), random.Random(seed + 7919 * (rank + 1))

    def kind(self):
        return self.kinds.choices(list(KINDS), KINDS.values())[0]

    def plan(self, kind):
        r = self.r
        draw = self.tasks.picture if kind in ("picture", "wide", "long") else getattr(self.tasks, kind)
        length = MAX_TOKENS if kind == "long" else PAD_MULTIPLE
        size = self.kinds.choice(FORM.others) if kind == "wide" else SQUARE
        chosen, ids, plain = [], [], []
        while len(chosen) < int(self.size * SHARE[kind]):
            task = draw(r)
            if self.tasks.leaks(task):
                continue
            tokens, fewer = (self.tokenizer.encode(c).ids for c in (task.caption, plainly(task.caption)))
            if len(tokens) > length or (kind == "long" and len(tokens) <= PAD_MULTIPLE and r.random() < 0.75):
                continue
            if r.random() < 0.08 and len(tokens) < length:  # a word it does not know must not derail it
                place, word = r.randrange(len(tokens)), r.randrange(1, self.tokenizer.get_vocab_size())
                tokens.insert(place, word)
                fewer.insert(place, word)
            chosen.append(task)
            dropped = r.random() < 0.08
            ids.append(padded([] if dropped else tokens, length))
            plain.append(padded([] if dropped else fewer, length))
        count = len(chosen[0].references)
        references = [[t.references[i] for t in chosen] for i in range(count)]
        return Plan(kind, size, torch.tensor(ids), torch.tensor(plain), [t.target for t in chosen], references)

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        if worker:  # others than its siblings think of
            self.kinds, self.r = (random.Random(r.getrandbits(64) + worker.id) for r in (self.kinds, self.r))
        while True:
            yield self.plan(self.kind())


class Batches:
    """`next()` gives a batch. A batch may be used several times, some steps apart, each time with other noise."""

    def __init__(self, stage, planner, uses=1, workers=0):
        self.stage, self.planner, self.uses, self.drawn = stage, planner, uses, {}
        loader = lambda: torch.utils.data.DataLoader(planner, batch_size=None, num_workers=workers, prefetch_factor=4)
        self.plans = iter(loader()) if workers else None

    def next(self):
        if self.plans is not None:
            return self.compose(next(self.plans))
        kind = self.planner.kind()
        kept = self.drawn.setdefault(kind, [])
        # Several batches of a kind wait in line, so that uses of one lie apart.
        if not kept or (len(kept) < 8 and self.planner.kinds.random() < 1 / self.uses):
            kept.append([self.compose(self.planner.plan(kind)), self.uses])
        entry = kept.pop(0)
        if entry[1] > 1:
            kept.append([entry[0], entry[1] - 1])
        return entry[0]

    def compose(self, plan):
        height, width = plan.size
        pictures, masks = self.stage.compose(plan.targets, height, width, with_masks=True)
        seen = [self.stage.compose(scenes, *SQUARE, with_masks=True) for scenes in plan.references]
        references = torch.cat([to_patches(picture) for picture, _ in seen], 1) if seen else None
        if plan.kind == "edit":  # where something was removed counts as much as where something is
            masks = torch.cat([masks, seen[0][1]], 1)
        grid, square = (height // PATCH, width // PATCH), (SQUARE[0] // PATCH, SQUARE[1] // PATCH)
        ids, plain = (t.to(self.stage.device) for t in (plan.ids, plan.plain))
        return Batch(plan.kind, grid, ids, plain, to_patches(pictures), importance(masks), references, [square] * len(seen))


def main():
    from train import drawn_batches

    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--device", default="cpu")
    p.add_argument("--workers", type=int, default=0)
    p.add_argument("--batch", type=int, default=512)
    p.add_argument("--seconds", type=float, default=20)
    options = p.parse_args()
    batches = drawn_batches(options, 0, 0)
    batches.uses = 1
    batches.next()
    start, batch, pictures = time.time(), None, 0
    while time.time() - start < options.seconds:
        batch = batches.next()
        pictures += len(batch.ids) * (1 + len(batch.reference_grids))
    batch.target.sum().item()  # all that was asked of the device is done
    print(f"{pictures / (time.time() - start):.0f} pictures a second")


if __name__ == "__main__":
    main()
