"""Distils guided sampling in many steps into four steps without guidance.

    python distil.py --minutes 60

The teacher, the averaged weights of build/state.pt, draws pictures from noise in many guided steps. The student stands
at sigma in {1, 3/4, 1/2, 1/4} of each of these paths and learns the one prediction whose single Euler step lands where
the path goes on (progressive distillation, arXiv 2202.00512, with guidance folded in as in arXiv 2210.03142): what it
meets while it learns is what it meets when it draws. Now and then it stands between them too, where it learns what the
teacher sees with guidance: other numbers of steps keep working. Style and tint, which a small teacher knows better than
it shows, are led by a guidance of their own: away from what the caption without them gives (two conditions weighed apart,
as in arXiv 2211.09800). Starts from the teacher, writes build/student.pt; resumes from it.
"""

import argparse
import random
from dataclasses import dataclass

import torch

import loop
import tokenizer as tok
from batches import USUAL
from form import BUILD
from sample import guided, load
from train import SEAM, SHARES, STATE, Rotations, drawn_batches, optimiser, seams

STUDENT = BUILD / "student.pt"
SIGMAS = [1.0, 0.75, 0.5, 0.25, 0.0]
USES = 4  # of each place on a path: finding it costs the teacher more than learning from it costs the student
WAITING = 12  # places of a kind of batch among which the next is drawn, so that those of one path lie apart


@dataclass(eq=False)
class Place:
    """Where the student stands on the paths of a batch, and what it should see there."""

    ids: torch.Tensor  # [B, T]
    references: torch.Tensor | None  # [B, R, 1024]
    sigma: float
    x: torch.Tensor  # [B, N, 1024]
    target: torch.Tensor  # [B, N, 1024]
    grid: tuple
    rotations: dict
    uses: int = USES


def places(predict, x, batch, rotations, substeps, between):
    """The four places of each path that the teacher goes from noise, in `substeps` steps between two of them, and one of
    those where it stood between: number `between`."""
    found, steps = [], []
    place = lambda sigma, x, target: Place(batch.ids, batch.references, sigma, x.bfloat16(), target.clamp(-1.3, 1.3).bfloat16(), batch.grid, rotations)
    for now, then in zip(SIGMAS, SIGMAS[1:]):
        levels, begun = [now + (then - now) * i / substeps for i in range(substeps + 1)], x
        for a, b in zip(levels, levels[1:]):
            seen = predict(x, a)
            if a != now:
                steps.append((a, x, seen))
            x = x + (b - a) * (x - seen) / a
        # The prediction at `now` whose one step to `then` equals the teacher's steps.
        found.append(place(now, begun, begun - (begun - x) * now / (now - then)))
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


@torch.no_grad()
def moved(student, teacher_then, student_then):
    """What distilling made of a teacher that has learnt on since, made of this one too: the difference of the weights
    (as in arXiv 2212.04089). It is most of the way, and what the teacher has learnt since is there at once."""
    then = zip(teacher_then.parameters(), student_then.parameters())
    for p, (before, after) in zip(student.parameters(), then):
        p += after - before


def begin(rank, step, options):
    teacher = load(options.teacher).requires_grad_(False).to(options.device)
    student = load(options.teacher).train()
    if options.since:
        moved(student, *map(load, options.since))
    student = student.to(options.device)
    batches = drawn_batches(options, 10**6 + step, rank, **SHARES)
    generator = torch.Generator(options.device).manual_seed(10**7 + 1000 * step + rank)
    network, shown = (torch.compile(m) if options.compile else m for m in (student, teacher.denoiser))
    rotations = Rotations(student.denoiser)

    @torch.no_grad()
    def follow(kind):
        with torch.autocast(options.device, enabled=False):  # places of figures are finer than bf16 tells apart
            batch = batches.compose(batches.planner.plan(kind))
        empty = torch.full((len(batch.ids), tok.PAD_MULTIPLE), tok.PAD, device=options.device)
        denoiser = shown if kind in USUAL else teacher.denoiser
        text, free, plain = (teacher.text_encoder(t) for t in (batch.ids, empty, batch.plain))
        tables = [rotations.of(batch), rotations.of(batch, tok.PAD_MULTIPLE)]
        predict = guided(denoiser, text, free, tables, batch.references, options.guidance, plain, options.emphasis)
        noise = torch.randn(batch.target.shape, generator=generator, device=options.device)
        return places(predict, noise, batch, tables[0], options.substeps, paths.r.randrange(100))

    paths = Paths(follow, step)

    def work():
        kind = batches.planner.kind()
        with torch.autocast(options.device, torch.bfloat16):
            place = paths.next(kind)
            sigma = torch.full((len(place.ids),), place.sigma, device=options.device)
            given = (place.x.float(), sigma, place.ids, place.rotations, place.references)
            prediction = (network if kind in USUAL else student)(*given)
        off = prediction.float() - place.target.float()
        error = off.pow(2).mean()
        return loop.Work((error + SEAM * seams(off, place.grid).mean()) / place.sigma, len(place.ids), {f"sigma {place.sigma:.2f}" if place.sigma in SIGMAS else "between": (error.detach(), 1)})

    return loop.Job(student, optimiser(student), work, decay=0.99)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.arguments(p, minutes=60, rate=8e-4, hold=0.4, batch=64)
    p.add_argument("--teacher", default=STATE, help="a training state")
    p.add_argument("--since", nargs=2, metavar=("TEACHER", "STUDENT"), help="states of before this teacher was trained on: begins with what distilling changed then")
    p.add_argument("--guidance", type=float, default=2.0)
    p.add_argument("--emphasis", type=float, default=0.5, help="the guidance for style and tint, beside that for the whole caption; 0: none")
    p.add_argument("--substeps", type=int, default=3, help="of the teacher, for one step of the student")
    p.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    p.set_defaults(workers=0)  # a path takes the teacher longer than thinking of its task
    loop.run(STUDENT, begin, p.parse_args())


if __name__ == "__main__":
    main()
