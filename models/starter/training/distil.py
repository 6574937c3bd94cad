"""Distils guided sampling in many steps into four steps without guidance.

    python distil.py --minutes 60

The teacher, the averaged weights of state.pt, draws latents from noise in many guided steps. The student stands at sigma
in {1, 3/4, 1/2, 1/4} of each of these paths and learns the one prediction whose single Euler step lands where the path
goes on (progressive distillation, arXiv 2202.00512, with guidance folded in as in arXiv 2210.03142): what it meets while
it learns is what it meets when it draws. Now and then it stands between them too, where it learns what the teacher sees
with guidance: other numbers of steps keep working. Style and tint, which a small teacher knows better than it shows, are
led by a guidance of their own: away from what the caption without them gives (two conditions weighed apart, as in arXiv
2211.09800).

Means of paths are soft, so a small adversarial part asks more of where the student lands: heads on what the teacher's
blocks see tell it from latents of renders with as much noise (after arXiv 2403.12015). Starts from the teacher, writes
student.pt; resumes from it.
"""

import argparse
import random
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.func import functional_call

import loop
import tokenizer as tok
from form import BUILD
from optimiser import Optimiser
from sample import guided
from train import SHARES, STATE, Rotations, corrupted, drawn_batches, load

STUDENT = BUILD / "student.pt"
SIGMAS = [1.0, 0.75, 0.5, 0.25, 0.0]
USES = 4  # of each place on a path: finding it costs the teacher more than learning from it costs the student
WAITING = 12  # places of a kind of batch among which the next is drawn, so that those of one path lie apart
LEAST = 0.08  # of the noise under which heads look
BLOCKS = (1, 3, 5, 7)  # after which they look


@dataclass(eq=False)
class Place:
    """Where the student stands on the paths of a batch, and what it should see there."""

    ids: torch.Tensor  # [B, T]
    references: torch.Tensor | None  # [B, R, CHANNELS]
    sigma: float
    then: float | None  # where the step goes; None between the four
    x: torch.Tensor  # [B, N, CHANNELS]
    target: torch.Tensor  # [B, N, CHANNELS]
    real: torch.Tensor  # [B, N, CHANNELS], latents of renders for the same captions
    rotations: dict
    uses: int = USES


def places(predict, x, batch, rotations, substeps, between):
    """The four places of each path that the teacher goes from noise, in `substeps` steps between two of them, and one of
    those where it stood between: number `between`."""
    found, steps = [], []
    place = lambda sigma, then, x, target: Place(batch.ids, batch.references, sigma, then, x, target, batch.target, rotations)
    for now, then in zip(SIGMAS, SIGMAS[1:]):
        levels, begun = [now + (then - now) * i / substeps for i in range(substeps + 1)], x
        for a, b in zip(levels, levels[1:]):
            seen = predict(x, a)
            if a != now:
                steps.append((a, None, x, seen))
            x = x + (b - a) * (x - seen) / a
        # The prediction at `now` whose one step to `then` equals the teacher's steps.
        found.append(place(now, then, begun, begun - (begun - x) * now / (now - then)))
    return [*found, place(*steps[between % len(steps)])] if steps else found


class Paths:
    """`next(kind)` gives a place to learn from, of batches of this kind."""

    def __init__(self, follow, seed):
        """`follow(kind)` goes along new paths. Processes with one seed follow at the same moments."""
        self.follow, self.r, self.waiting = follow, random.Random(seed), {}

    def next(self, kind):
        waiting = self.waiting.setdefault(kind, [])
        if not waiting or (len(waiting) < WAITING and self.r.random() < 1 / USES):
            waiting += self.follow(kind)
        place = waiting[self.r.randrange(len(waiting))]
        place.uses -= 1
        if not place.uses:
            waiting.remove(place)
        return place


class Heads(nn.Module):
    """One for each of BLOCKS: states [B, N, D] to scores [B, N], above nothing for what is real."""

    def __init__(self, width):
        super().__init__()
        head = lambda: nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 64), nn.SiLU(), nn.Linear(64, 1))
        self.each = nn.ModuleList(head() for _ in BLOCKS)

    def forward(self, states):
        return torch.stack([head(s.float())[..., 0] for head, s in zip(self.each, states)])


class Distilled(nn.Module):
    def __init__(self, student):
        super().__init__()
        self.student, self.heads = student, Heads(student.denoiser.proj_out.in_features)
        self.register_buffer("leaning", torch.tensor(float(student.denoiser.leaning)))  # as its teacher's: its steps say nothing of it


@torch.no_grad()
def moved(student, teacher_then, student_then):
    """What distilling made of a teacher that has learnt on since, made of this one too: the difference of the weights
    (as in arXiv 2212.04089). It is most of the way, and what the teacher has learnt since is there at once."""
    then = zip(teacher_then.parameters(), student_then.parameters())
    for p, (before, after) in zip(student.parameters(), then):
        p += after - before


def adversary(teacher, heads, text, place, landed, generator):
    """What the student loses for being told from renders, and what the heads lose for not telling, at the noise of where
    its step lands."""
    level = max(place.then, LEAST)
    sigma = torch.full((len(landed),), level, device=landed.device)
    more = (level**2 - place.then**2) ** 0.5
    fake = landed + more * torch.randn(landed.shape, generator=generator, device=landed.device)
    real = corrupted(place.real, sigma, generator)

    def states(x):
        seen = []
        teacher.denoiser(x, sigma, text, place.rotations, place.references, seen)
        return [seen[i] for i in BLOCKS]

    drawn = states(fake)
    fooled = -functional_call(heads, {n: p.detach() for n, p in heads.named_parameters()}, (drawn,)).mean()
    with torch.no_grad():
        true = states(real)
    telling = (1 - heads(true)).relu().mean() + (1 + heads([s.detach() for s in drawn])).relu().mean()
    return fooled, telling


def begin(rank, step, options):
    teacher = load(options.teacher).requires_grad_(False).to(options.device)
    student = load(options.teacher).train()
    if options.since:
        moved(student, *map(load, options.since))
    model = Distilled(student).to(options.device)
    batches = drawn_batches(options, 10**6 + step, rank, **SHARES)
    generator = torch.Generator(options.device).manual_seed(10**7 + 1000 * step + rank)
    rotations = Rotations(student.denoiser)

    @torch.no_grad()
    def follow(kind):
        batch = batches.of(kind)
        empty = torch.full((len(batch.ids), tok.PAD_MULTIPLE), tok.PAD, device=options.device)
        with torch.autocast(options.device, torch.bfloat16):
            text, free, plain = (teacher.text_encoder(t) for t in (batch.ids, empty, batch.plain))
            tables = [rotations.of(batch), rotations.of(batch, tok.PAD_MULTIPLE)]
            predict = guided(teacher.denoiser, text, free, tables, batch.references, options.guidance, plain, options.emphasis)
            noise = torch.randn(batch.target.shape, generator=generator, device=options.device)
            return places(predict, noise, batch, tables[0], options.substeps, paths.r.randrange(100))

    paths = Paths(follow, step)

    def work():
        place = paths.next(batches.planner.kind())
        sigma = torch.full((len(place.ids),), place.sigma, device=options.device)
        with torch.autocast(options.device, torch.bfloat16):
            prediction = student(place.x, sigma, place.ids, place.rotations, place.references).float()
            error = (prediction - place.target).pow(2).mean()
            loss, told = error / place.sigma, {f"sigma {place.sigma:.2f}" if place.then is not None else "between": (error.detach(), 1)}
            if place.then is not None and options.adversary:
                landed = place.x + (place.then - place.sigma) / place.sigma * (place.x - prediction)
                with torch.no_grad():
                    text = teacher.text_encoder(place.ids)
                fooled, telling = adversary(teacher, model.heads, text, place, landed, generator)
                loss = loss + options.adversary * fooled + telling
                told |= {"fooled": (fooled.detach(), 1), "telling": (telling.detach(), 1)}
        return loop.Work(loss, len(place.ids), told)

    inner = lambda name, p: p.ndim == 2 and any(part in name for part in ("transformer_blocks", "layers."))
    return loop.Job(model, Optimiser(model, inner), work, decay=0.99)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.arguments(p, minutes=60, rate=6e-4, hold=0.4, batch=16)
    p.add_argument("--teacher", default=STATE, help="a training state")
    p.add_argument("--since", nargs=2, metavar=("TEACHER", "STUDENT"), help="states of before this teacher was trained on: begins with what distilling changed then")
    p.add_argument("--guidance", type=float, default=2.0)
    p.add_argument("--emphasis", type=float, default=0.5, help="the guidance for style and tint, beside that for the whole caption; 0: none")
    p.add_argument("--substeps", type=int, default=3, help="of the teacher, for one step of the student")
    p.add_argument("--adversary", type=float, default=0.03, help="what being told from renders counts; 0: nothing")
    p.set_defaults(workers=0)  # a path takes the teacher longer than thinking of its task
    loop.run(STUDENT, begin, p.parse_args())


if __name__ == "__main__":
    main()
