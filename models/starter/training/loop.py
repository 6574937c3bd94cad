"""The loop that every training here runs in: it resumes, ends by the clock, and says how it goes.

On processor cores each process walks on its own with one thread, and they meet in the middle every few steps: many small
steps teach more than few large ones, threads that wait for one another at each operation come to a stand beside other
work, and exchanging gradients at each step would cost as much as computing them. On an accelerator there is one process.

The rate rises over the first steps, holds, and falls in a straight line to nothing at the end of the minutes given, so a
run is meant to end when it says. A run that is told to end (SIGTERM) saves first.
"""

import os
import signal
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn as nn

import carry

AVERAGE_EVERY = 4
WARM, WARM_AGAIN = 60, 20  # steps in which the rate rises, at first and after resuming
SAVE_EVERY = 120  # seconds


@dataclass
class Work:
    """One batch, gone through forwards."""

    loss: torch.Tensor
    samples: int
    told: dict  # name: (sum, number) of what the log says, as tensors that stay where they were computed
    operations: float = 0.0  # of the whole step, where they are counted


@dataclass
class Job:
    """What is trained, and how a batch is gone through."""

    model: nn.Module
    optimiser: object  # step(rate), state(), restore(state)
    work: Callable[[], Work]
    decay: float  # of the averaged weights
    clip: float = 1.0


def arguments(parser, minutes, rate, hold, batch):
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--processes", type=int, default=2, help="on processor cores")
    parser.add_argument("--batch", type=int, default=batch, help="of each process")
    parser.add_argument("--rate", type=float, default=rate)
    parser.add_argument("--hold", type=float, default=hold, help="share of the time before the rate begins to fall; 1: it does not, since more is to come")
    parser.add_argument("--report", type=float, default=60, help="seconds between two lines")
    parser.add_argument("--peak", type=float, help="operations a second that the device can do: the log says which share was used")
    parser.add_argument("--carry", type=Path, help="folder of pieces that travel: begun from where there is no state, written with each state")


def run(state: Path, begin: Callable[..., Job], options):
    """`begin(rank, step, options)` makes the job, the same weights in each process; it may draw other batches in each."""
    if options.device != "cpu":
        options.processes = 1
    if options.processes == 1:
        walk(0, state, begin, options)
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # who walks saves and ends
        mp.start_processes(walk, (state, begin, options), nprocs=options.processes, start_method="fork")


def walk(rank, state, begin, options):
    world = options.processes
    if options.device == "cpu":
        torch.set_num_threads(1)
    else:
        torch.set_float32_matmul_precision("high")
    if world > 1:
        # Each training has a door of its own: several may run beside one another.
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(29000 + zlib.crc32(str(state).encode()) % 1000))
        dist.init_process_group("gloo", rank=rank, world_size=world)
    torch.manual_seed(0)
    before = carry.resumed(state, options.carry)
    step, samples = (before["step"], before["samples"]) if before else (0, 0)
    job = begin(rank, step, options)
    if before:
        job.model.load_state_dict(before["model"])
        if "optimiser" in before:
            job.optimiser.restore(before["optimiser"])
    begun = before["averaged"] if before else dict(job.model.named_parameters())
    averaged = {n: begun[n].detach().to(p, copy=True) for n, p in job.model.named_parameters()}
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    log = Log(options)
    start = saved = time.time()
    first, done = step, False
    while not done:
        elapsed = (time.time() - start) / 60 / options.minutes
        fall = max(0.0, (1 - elapsed) / (1 - options.hold)) if options.hold < 1 else 1.0
        rate = options.rate * min(1.0, (step - first + 1) / (WARM_AGAIN if first else WARM), fall)
        work = job.work()
        work.loss.backward()
        for p in job.model.parameters():  # what took no part
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        nn.utils.clip_grad_norm_(job.model.parameters(), job.clip)
        job.optimiser.step(rate)
        job.model.zero_grad(set_to_none=True)
        if world > 1 and (step + 1) % AVERAGE_EVERY == 0:
            average(job.model.parameters(), world)
        with torch.no_grad():
            weight = min(job.decay, (step + 1) / (step + 20))
            torch._foreach_lerp_(list(averaged.values()), [p.detach() for p in job.model.parameters()], 1 - weight)
        step, samples, now = step + 1, samples + work.samples * world, time.time()
        if rank == 0:
            log.add(work, step, samples, rate, world)
        done = elapsed >= 1 or bool(stop)
        if world > 1:
            done = step % AVERAGE_EVERY == 0 and together(done)
        if rank == 0 and (done or now - saved > SAVE_EVERY):
            save(state, model=job.model.state_dict(), averaged=averaged, optimiser=job.optimiser.state(), step=step, samples=samples)
            if options.carry:
                carry.write(options.carry, averaged, step, samples)
            saved = now


@torch.no_grad()
def average(parameters, world):
    parameters = list(parameters)
    flat = torch.cat([p.flatten() for p in parameters])
    dist.all_reduce(flat)
    for p, f in zip(parameters, flat.div_(world).split([p.numel() for p in parameters])):
        p.copy_(f.view_as(p))


def together(said):
    """Whether any process says so, in all of them."""
    any_ = torch.tensor([float(said)])
    dist.all_reduce(any_)
    return any_.item() > 0


def save(path, **state):
    aside = path.with_suffix(".tmp")
    torch.save(state, aside)
    os.replace(aside, path)


class Log:
    """A line every so often: samples a second, the share of the device's peak, and the means of what the work tells."""

    def __init__(self, options):
        self.options, self.last = options, time.time()
        self.sums, self.samples, self.operations = {}, 0, 0.0

    def add(self, work, step, samples, rate, world):
        self.samples += work.samples * world
        self.operations += work.operations * world
        for name, (total, number) in work.told.items():
            before = self.sums.get(name, (0.0, 0.0))
            self.sums[name] = (before[0] + total, before[1] + number)
        passed = time.time() - self.last
        if passed < self.options.report:
            return
        share = f" {self.operations / passed / self.options.peak:.1%} of peak" if self.options.peak else ""
        means = "  ".join(f"{name} {float(total) / max(float(number), 1e-9):.5f}" for name, (total, number) in sorted(self.sums.items()))
        print(f"step {step} samples {samples} {self.samples / passed:.0f}/s{share} rate {rate:.1e}  {means}", flush=True)
        self.last = time.time()
        self.sums, self.samples, self.operations = {}, 0, 0.0


def operations_of(call):
    """How many a training step needs for what `call` computes forwards: backwards there are two products for each."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        call()
    return 3.0 * counter.get_total_flops()
