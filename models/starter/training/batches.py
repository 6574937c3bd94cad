"""Training batches of latents: each of one kind, one size and one text length.

A `Planner` thinks of tasks, which is Python's work and can be done in other processes; `Batches` composes their pictures,
encodes them once, and gives each batch several times, far apart and each time to be met with other noise. Captions and
references are dropped at times, which is what guidance at sampling time needs.
"""

import random
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from form import SHAPES, SPAN
from own import transplanted
from tasks import plainly
from tokenizer import MAX_TOKENS, PAD_MULTIPLE, padded

FOREGROUND = 3.0  # a token that a subject covers counts this much more than background
KINDS = {"picture": 0.55, "long": 0.02, "reference": 0.19, "edit": 0.22, "pair": 0.02}
SHARE = {"picture": 1.0, "long": 0.5, "reference": 0.75, "edit": 0.75, "pair": 0.5}  # of the batch size
SQUARE = 0.6  # of pictures, and of references; the others are shared among the other shapes
USES = 10  # of a batch, before another takes its place
KEPT = 240  # batches that a process keeps


@dataclass
class Plan:
    kind: str
    size: tuple  # (height, width)
    ids: torch.Tensor  # [B, T]
    plain: torch.Tensor  # [B, T], the captions without style and tint
    targets: list  # of scenes
    references: list  # for each reference a list of scenes
    reference_sizes: list
    sources: torch.Tensor | None = None  # [B, T], captions of what edits begin with


@dataclass
class Batch:
    kind: str
    grid: tuple
    ids: torch.Tensor  # [B, T]
    plain: torch.Tensor  # [B, T], the captions without style and tint
    target: torch.Tensor  # [B, N, CHANNELS]
    weight: torch.Tensor  # [B, N], mean 1: how much each token counts
    references: torch.Tensor | None  # [B, R, CHANNELS]
    reference_grids: list


def importance(masks):
    """Weights [B, N] of tokens from coverage [B, figures, H, W]: backgrounds are few and learnt soon, subjects are many."""
    covered = F.avg_pool2d(masks.amax(1, keepdim=True), SPAN).flatten(1)
    weight = 1 + FOREGROUND * covered
    return weight / weight.mean()


def grid_of(size):
    return size[0] // SPAN, size[1] // SPAN


class Planner(torch.utils.data.IterableDataset):
    """Plans without end. `kind` orders one of that kind."""

    def __init__(self, tasks, tokenizer, size, seed, rank=0):
        """Processes share the order of kinds, so that none waits for another's longer batch."""
        self.tasks, self.tokenizer, self.size = tasks, tokenizer, size
        self.kinds, self.r = random.Random(seed), random.Random(seed + 7919 * (rank + 1))

    def kind(self):
        return self.kinds.choices(list(KINDS), KINDS.values())[0]

    def shape(self):
        return SHAPES[0] if self.r.random() < SQUARE else self.r.choice(SHAPES[1:])

    def plan(self, kind):
        r = self.r
        draw = self.tasks.picture if kind in ("picture", "long") else getattr(self.tasks, kind)
        length = MAX_TOKENS if kind == "long" else PAD_MULTIPLE
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
                fewer.insert(min(place, len(fewer)), word)
            chosen.append(task)
            dropped = r.random() < 0.08
            ids.append(padded([] if dropped else tokens, length))
            plain.append(padded([] if dropped else fewer, length))
        count, size = len(chosen[0].references), self.shape()
        references = [[t.references[i] for t in chosen] for i in range(count)]
        sizes = [size if kind == "edit" else self.shape() for _ in range(count)]
        sources = None
        if kind == "edit":
            said = [self.tokenizer.encode(t.labels["source"]).ids[:MAX_TOKENS] for t in chosen]
            sources = torch.tensor([padded(s, MAX_TOKENS if max(map(len, said)) > PAD_MULTIPLE else PAD_MULTIPLE) for s in said])
        return Plan(kind, size, torch.tensor(ids), torch.tensor(plain), [t.target for t in chosen], references, sizes, sources)

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        if worker:  # others than its siblings think of
            self.kinds, self.r = (random.Random(r.getrandbits(64) + worker.id) for r in (self.kinds, self.r))
        while True:
            yield self.plan(self.kind())


class Batches:
    """`next()` gives a batch; `codec` makes tokens of pictures (`latents.Latents`)."""

    def __init__(self, stage, planner, codec, uses=USES, workers=0):
        self.stage, self.planner, self.codec, self.uses, self.drawn = stage, planner, codec, uses, {}
        self.redrawn, self.own = None, 0.0  # `own.Redrawn`, for this share of edits
        loader = lambda: torch.utils.data.DataLoader(planner, batch_size=None, num_workers=workers, prefetch_factor=4)
        self.plans = iter(loader()) if workers else None

    def next(self):
        if self.plans is not None:
            return self.compose(next(self.plans))
        return self.of(self.planner.kind())

    def of(self, kind):
        kept, most = self.drawn.setdefault(kind, []), max(2, round(KEPT * KINDS[kind]))
        # While few are kept, every other one is new; then each is used so often before another takes its place.
        if not kept or self.planner.kinds.random() < (0.4 if len(kept) < most else 1 / self.uses):
            new = self.compose(self.planner.plan(kind))
            if len(kept) < most:
                kept.append(new)
            else:
                kept[self.planner.r.randrange(most)] = new
            return new
        return self.planner.r.choice(kept)

    def compose(self, plan):
        pictures, masks = self.stage.compose(plan.targets, *plan.size, with_masks=True)
        seen = [self.stage.compose(scenes, *size, with_masks=True) for scenes, size in zip(plan.references, plan.reference_sizes)]
        shown = [picture for picture, _ in seen]
        if plan.kind == "edit":  # where something was removed counts as much as where something is
            masks = torch.cat([masks, seen[0][1]], 1)
            if self.planner.r.random() < self.own:
                drawn = self.redrawn.of(plan.sources.to(self.stage.device), shown[0])
                pictures, shown = transplanted(shown[0], pictures, drawn), [drawn]
        references = torch.cat([self.codec.tokens(picture) for picture in shown], 1) if seen else None
        ids, plain = (t.to(self.stage.device) for t in (plan.ids, plan.plain))
        return Batch(plan.kind, grid_of(plan.size), ids, plain, self.codec.tokens(pictures), importance(masks), references, [grid_of(s) for s in plan.reference_sizes])
