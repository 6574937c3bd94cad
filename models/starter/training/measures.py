"""What an eye sees and a judge of names does not: how near pictures come to renders, how crisp, varied and faithful.

    python measures.py --shipped --steps 4 --guidance 1      version 0.8.0
    python measures.py --steps 4 --guidance 1                the averaged weights of state.pt
    python measures.py --only slopes,opaque ...              some of them

Each line has the value of renders beside it. Captions are of pictures as they are trained on, of names that the judge
knows; renders of a caption show the same otherwise placed (`Tasks.again`). Fréchet distance, classifier and spread look
at pictures reduced to the judge's size, slopes at pictures in full beside renders reduced to that size.
"""

import argparse
import random
from dataclasses import dataclass

import torch
import torch.nn.functional as F

import atlas
import judges
import sample
import telling
from edges import alpha_slope, at_tokens, steepest
from evaluation import closer, edits_done
from form import SIDE
from judges import HEADS, labeller
from scenes import FINISH_NAMES, Stage
from tasks import Tasks

SPREAD = 8  # seeds of a caption
BLOCKS = FINISH_NAMES.index("pixel art")  # whose own edges lie over those of tokens


@dataclass
class Asked:
    """Captions with what the renderer makes of each, twice, at the drawer's size."""

    tasks: list
    renders: torch.Tensor
    others: torch.Tensor
    pictures: torch.Tensor


class Bench:
    def __init__(self, drawer, judge, seed=77):
        sprites, names = atlas.load()
        self.drawer, self.judge, self.stage, self.r = drawer, judge, Stage(sprites), random.Random(seed)
        self.names = names
        self.tasks = Tasks(names, named=judge.heads["subjects"], style_said=1.0)

    def composed(self, scenes):
        """At the drawer's size."""
        parts = [self.stage.compose(scenes[i : i + 16], SIDE, SIDE) for i in range(0, len(scenes), 16)]
        return torch.cat([F.avg_pool2d(p, SIDE // self.drawer.side) for p in parts])

    def asked(self, count):
        tasks = [self.tasks.picture(self.r) for _ in range(count)]
        again = lambda: self.composed([self.tasks.again(self.r, t) for t in tasks])
        return Asked(tasks, again(), again(), self.drawer.draw([t.caption for t in tasks], seed=self.r.randrange(10**6)))


# ---------------------------------------------------------------------------- sets of pictures


def frechet(a, b):
    """Fréchet distance between normal distributions with the means and covariances of two sets of features [N, D]."""
    a, b = a.double(), b.double()
    root = lambda m: (lambda w, v: (v * w.clamp(min=0).sqrt()) @ v.T)(*torch.linalg.eigh(m))
    ca, cb = a.T.cov(), b.T.cov()
    half = root(ca)
    mixed = torch.linalg.eigvalsh(half @ cb @ half).clamp(min=0).sqrt().sum()
    return ((a.mean(0) - b.mean(0)).pow(2).sum() + ca.trace() + cb.trace() - 2 * mixed).item()


def distance(bench, asked):
    """Over that of two sets of renders."""
    pictures, one, other = (bench.judge.sees(p)["features"] for p in (asked.pictures, asked.renders, asked.others))
    scale = one.std(0).clamp(min=1e-3)
    pictures, one, other = pictures / scale, one / scale, other / scale
    between, apart = frechet(one, other), frechet(one, pictures)
    return {"Fréchet distance over that of two sets of renders": (apart / between, 1.0), "the distance itself": (apart, between)}


def slopes(bench, asked):
    cut = [i for i, t in enumerate(asked.tasks) if t.target.background is None and t.target.finish is None]
    filled = [i for i, t in enumerate(asked.tasks) if t.target.background is not None]
    fine = [i for i in range(len(asked.tasks)) if asked.tasks[i].target.finish != BLOCKS]
    span = bench.drawer.codec.span
    edge = lambda p: alpha_slope(p[cut])
    steep = lambda p: steepest(p[filled]) / steepest(asked.renders[filled])
    return {
        "slope where cut-out subjects end": (edge(asked.pictures) / edge(asked.renders), edge(asked.others) / edge(asked.renders)),
        "slope of the steepest hundredth of pixels": (steep(asked.pictures), steep(asked.others)),
        "slope over edges of tokens against elsewhere": (at_tokens(asked.pictures[fine], span), at_tokens(asked.renders[fine], span)),
    }


def opaque(bench, asked):
    filled = [i for i, t in enumerate(asked.tasks) if t.target.background is not None]
    share = lambda p: ((p[filled, 3] * 255).round() == 255).float().mean().item()
    return {"opaque where there is a background": (share(asked.pictures), share(asked.renders))}


def told(bench, asked):
    """By a network trained on half of them; renders are told from other renders as often as chance has it."""
    small = lambda p: F.avg_pool2d(p, p.shape[2] // judges.SIDE)
    right = telling.trained_and_tested(small(asked.pictures), small(asked.renders))
    chance = telling.trained_and_tested(small(asked.others), small(asked.renders))
    return {"told from renders": (right, chance)}


# ------------------------------------------------------------------------- of single captions


def spread(bench, count):
    """Mean distance between 8 seeds of a caption, over that between 8 renders of it: of features, which errors raise too,
    and of the outlines of cut-outs, which only another pose, place or form does."""
    draws = (bench.tasks.picture(bench.r) for _ in range(100 * count))
    single = (t for t in draws if t.labels["count"] == 1 and t.target.finish is None)
    tasks = [t for t in single if t.target.background is None][:count]
    captions = [t.caption for t in tasks for _ in range(SPREAD)]
    renders = bench.composed([bench.tasks.again(bench.r, t) for t in tasks for _ in range(SPREAD)])
    drawn = bench.drawer.draw(captions, seed=5)
    seen, theirs = bench.judge.sees(drawn)["features"], bench.judge.sees(renders)["features"]
    scale = theirs.std(0).clamp(min=1e-3)
    apart = lambda x: sum(torch.pdist(some).mean().item() for some in x.split(SPREAD))
    outlines = lambda p: sum(differing(some) for some in (p[:, 3] > 0.5).flatten(1).float().split(SPREAD))
    return {
        f"spread of {SPREAD} seeds, features": (apart(seen / scale) / apart(theirs / scale), 1.0),
        f"spread of {SPREAD} seeds, outlines": (outlines(drawn) / outlines(renders), 1.0),
    }


def differing(covered):
    """Mean over pairs of rows [N, pixels] of what only one of both covers, over what either does."""
    both = covered @ covered.T
    area = covered.sum(1)
    either = (area[:, None] + area[None] - both).clamp(min=1)
    return (1 - both / either)[~torch.eye(len(covered), dtype=torch.bool)].mean().item()


def marks(bench, count):
    """Unseen subjects cut out, against their references: what their colours share, and how alike their edges lie."""
    tasks, r = bench.tasks, bench.r
    given, wanted = [], []
    for name in r.choices(tasks.hidden, k=count):
        while True:
            task = tasks.reference(r, name)
            seen, new = task.references[0], task.target
            plain = new.finish is None and new.figures[0].tint is None and new.figures[0].sprite == seen.figures[0].sprite
            if plain and new.background is None:
                break
        given.append(task)
        seen.background = None
    sources = bench.composed([t.references[0] for t in given])
    renders = bench.composed([t.target for t in given])
    drawn = bench.drawer.draw([t.caption for t in given], [sources], seed=6)
    kept = lambda p: torch.stack([kept_marks(a, b) for a, b in zip(p, sources)]).mean(0)
    (colours, lines), (their_colours, their_lines) = kept(drawn).tolist(), kept(renders).tolist()
    return {"marks kept: colours": (colours, their_colours), "marks kept: edges": (lines, their_lines)}


def kept_marks(picture, source):
    a, b = boxed(picture), boxed(source)
    if a is None:
        return torch.zeros(2)
    colours = torch.minimum(histogram(a), histogram(b)).sum()
    lines = lambda p: F.avg_pool2d(torch.cat(((p[:, 1:, :-1] - p[:, :-1, :-1]), (p[:, :-1, 1:] - p[:, :-1, :-1]))).abs()[None], 3, 2)[0].flatten()
    return torch.stack((colours, F.cosine_similarity(lines(a), lines(b), dim=0)))


def boxed(picture, side=64):
    """What is covered, stretched to a square [4, side, side]; None if nothing is."""
    rows, columns = (picture[3] > 0.5).nonzero(as_tuple=True)
    if len(rows) < 16:
        return None
    part = picture[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return F.interpolate(part[None], (side, side), mode="bilinear", antialias=True)[0]


def histogram(picture, bins=6):
    """Shares [bins^3] of the colours of what is covered, each shared among its neighbours."""
    covered = picture[3].flatten()
    colour = (picture[:3] / picture[3:].clamp(min=1e-3)).clamp(0, 1).flatten(1) * (bins - 1)
    out, low = torch.zeros(bins**3), colour.floor().clamp(max=bins - 2)
    for corner in range(8):
        offset = torch.tensor([corner >> 2 & 1, corner >> 1 & 1, corner & 1])[:, None]
        weight = (1 - (colour - low - offset).abs()).prod(0) * covered
        index = ((low + offset) * torch.tensor([bins**2, bins, 1])[:, None]).sum(0).long()
        out.index_add_(0, index, weight)
    return out / out.sum().clamp(min=1e-6)


# ------------------------------------------------------------------------------ edits of its own


def edits(bench, count):
    """Of pictures that it drew itself: share done, by the judge, where the source was not so already."""
    tasks, r, known = bench.tasks, bench.r, bench.judge.heads
    made = []
    while len(made) < count:
        task = tasks.edit(r, r.choice(("recolour", "background", "add", "remove")))
        if task.target.finish is not None or tasks.leaks(task):
            continue
        made.append(task)
    labels = labeller(judges.atlas()[0], bench.names)
    wanted = [dict(kind=t.labels["edit"], wanted=wants(t, labels, tasks)) for t in made]
    sources = bench.drawer.draw([t.labels["source"] for t in made], seed=8)
    drawn = bench.drawer.draw([t.caption for t in made], [sources], seed=9)
    done = lambda p: edits_done(wanted, bench.judge.sees(closer(wanted, reduced(p))), known)
    pairs = [(kind, after) for (kind, before), (_, after) in zip(done(sources), done(drawn)) if not before]
    out = {}
    for kind in ("all", "recolour", "background", "add", "remove"):
        hits = [hit for k, hit in pairs if kind in ("all", k)]
        out[f"edits done on own pictures, {kind} ({len(hits)})"] = (sum(hits) / max(len(hits), 1), 1.0)
    same = (drawn - sources).abs().amax(1).gt(0.1).float().mean().item()
    out["share of pixels that edits change"] = (same, float("nan"))
    return out


def reduced(pictures):
    return F.avg_pool2d(pictures, pictures.shape[2] // judges.SIDE)


def wants(task, labels, tasks):
    """What `evaluation.edits_done` reads of an edit."""
    kind, seen = task.labels["edit"], labels(task.target)
    if kind == "background":
        return dict(background=HEADS["background"][seen["background"]] if seen["background"] is not None else None)
    names = [tasks.names[f.sprite // 4] for f in task.target.figures]
    if kind == "remove":
        return dict(subjects=names, gone=next(n for n in task.labels["subjects"] if n not in names))
    figure = task.target.figures[task.labels["changed"] if kind == "recolour" else -1]
    half = judges.SIDE // 2
    wanted = dict(close=[min(max(round(v * judges.SIDE - half / 2), 0), judges.SIDE - half) for v in (figure.x, figure.y)]) if len(task.target.figures) > 1 else {}
    return {**wanted, "tint": list(HEADS["tint"])[figure.tint]} if kind == "recolour" else {**wanted, "subjects": names[-1:]}


SETS = {f.__name__: f for f in (distance, slopes, opaque, told)}
SINGLE = {"spread": (spread, 0.04), "marks": (marks, 0.1), "edits": (edits, 0.12)}  # and their share of --count


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sample.arguments(p, 4, 1.0)
    p.add_argument("--count", type=int, default=2000)
    p.add_argument("--only", type=lambda text: text.split(","), default=[*SETS, *SINGLE])
    o = p.parse_args()
    torch.set_num_threads(1)
    bench = Bench(sample.drawer(o), judges.load())
    show = lambda table: [print(f"{line:60} {value:8.3f}   renders {own:.3f}", flush=True) for line, (value, own) in table.items()]
    if set(o.only) & set(SETS):
        asked = bench.asked(o.count)
        for name in SETS:
            if name in o.only:
                show(SETS[name](bench, asked))
    for name, (measure, share) in SINGLE.items():
        if name in o.only:
            show(measure(bench, int(o.count * share)))


if __name__ == "__main__":
    main()
