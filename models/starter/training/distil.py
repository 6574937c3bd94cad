"""Distils guided sampling in many steps into four steps without guidance.

    python distil.py --minutes 20 --guidance 2.0

The student stands at sigma in {1, 3/4, 1/2, 1/4} and learns the one prediction whose single Euler step lands where
the teacher's guided steps land (progressive distillation, arXiv 2202.00512, with guidance folded in as in
arXiv 2210.03142). Starts from the averaged weights of build/state.pt, writes build/student.pt; resumes from it.
"""

import argparse
import random

import torch

import loop
import tokenizer as tok
from batches import USUAL
from form import BUILD
from sample import euler_step, guided, load
from train import STATE, Rotations, corrupted, drawn_batches, optimiser

STUDENT = BUILD / "student.pt"
SIGMAS = [1.0, 0.75, 0.5, 0.25, 0.0]


def target_of(predict, x, now, then, substeps):
    """The prediction at `now` whose one step to `then` equals the teacher's `substeps` steps."""
    levels = [now + (then - now) * i / substeps for i in range(substeps)]
    landed = x
    for a, b in zip(levels, [*levels[1:], then]):
        landed = euler_step(predict, landed, a, b)
    return x - (x - landed) * now / (now - then)


def begin(rank, step, options):
    teacher = load(STATE).requires_grad_(False).to(options.device)
    student = load(STATE).train().to(options.device)
    batches = drawn_batches(options, 10**6 + step, rank)
    generator = torch.Generator(options.device).manual_seed(10**7 + 1000 * step + rank)
    levels = random.Random(step)  # the same in all processes, so that none waits for another's longer step
    network = torch.compile(student) if options.compile else student
    rotations = Rotations(student.denoiser)

    def work():
        batch, index = batches.next(), levels.randrange(4)
        now, then = SIGMAS[index], SIGMAS[index + 1]
        sigma = torch.full((len(batch.ids),), now, device=options.device)
        x = corrupted(batch.target, sigma, generator)
        tables = [rotations.of(batch), rotations.of(batch, tok.PAD_MULTIPLE)]
        with torch.autocast(options.device, torch.bfloat16):
            with torch.no_grad():
                text = teacher.text_encoder(batch.ids)
                empty = teacher.text_encoder(torch.full((len(batch.ids), tok.PAD_MULTIPLE), tok.PAD, device=options.device))
                predict = guided(teacher, text, empty, tables, batch.references, options.guidance)
                target = target_of(predict, x, now, then, options.substeps).clamp(-1.3, 1.3)
            prediction = (network if batch.kind in USUAL else student)(x, sigma, batch.ids, tables[0], batch.references)
        error = ((prediction.float() - target).pow(2).mean(2) * batch.weight).mean()
        return loop.Work(error / now, len(batch.ids), {f"sigma {now}": (error.detach(), 1)})

    return loop.Job(student, optimiser(student), work, decay=0.99)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.arguments(p, minutes=20, rate=3e-4, hold=0.3, batch=64)
    p.add_argument("--guidance", type=float, default=2.0)
    p.add_argument("--substeps", type=int, default=3)
    p.add_argument("--workers", type=int, default=0, help="processes that think of tasks, beside those that train")
    p.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    loop.run(STUDENT, begin, p.parse_args())


if __name__ == "__main__":
    main()
