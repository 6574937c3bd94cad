"""The judge: a small network, trained on renders only, that says what a picture shows and which subject it is.

    python judges.py --minutes 40        trains, resumes from build/judge.pt, writes ../judges/ when the time is up
    python judges.py --export            only measures and writes what is there

It looks at [B, 4, 128, 128] premultiplied RGBA in -1..1, as the starter's own pictures are. One trunk of stages, each
of which halves the picture, and of its features (what is seen on the whole at each stage, and anywhere at the last):
the subjects (a softmax over all taught names, shared among those present: their ranking is what is read), style,
finish, background, tint, count, and an embedding. A subject's score also has what its best place says, since each of
two has only a half of the picture. The embedding is trained to tell every shown sprite
from every other, in each style apart: a person who gives a reference wants that one drawing, and a network that had
to call four drawings the same would learn names, which the subjects never seen do not have.

Labels that cannot be told are neither learned nor measured (`labeller`): pencil and neon leave only lines, so there is
no style, no tint and no plain colour left to see, and a yellow lemon is a lemon.
"""

import argparse
import json
import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import loop
import vocabulary as words
from atlas import load as load_atlas
from form import BUILD
from optimiser import Optimiser
from scenes import COLOUR_NAMES, FINISH_NAMES, SCENE_NAMES, TINT_NAMES, Figure, Scene, Stage, tinted
from tasks import STYLE_NAMES, Tasks

STATE = BUILD / "judge.pt"
OUT = Path(__file__).parent.parent / "judges"
SIDE = 128
EMBEDDING = 128
KEPT = 6000  # pictures that training may see again
SHARPNESS = 20.0  # of the softmax over cosines
LINES_ONLY = ("pencil", "neon")
TOLD = 0.1  # mean change over what a sprite covers, of the channel that changes most, from which on a tint can be seen

BACKGROUNDS = [
    *SCENE_NAMES,
    *(f"plain {c}" for c in COLOUR_NAMES),
    *(f"{c} gradient" for c in COLOUR_NAMES),
    "transparent",
]
HEADS = {
    "subjects": list(words.SUBJECTS),
    "style": STYLE_NAMES,
    "finish": [*FINISH_NAMES, "none"],
    "background": BACKGROUNDS,
    "tint": [*TINT_NAMES, "none"],
    "count": ["1", "2", "3"],
}
PLAIN = 0.5  # how much having none counts: it is three quarters of all, and what is asked for is the others
# Each stage: a convolution that reduces the picture, then residual pairs of 3x3 convolutions.
STAGES = [
    dict(channels=32, kernel=4, stride=2, padding=1, residuals=0),
    dict(channels=64, kernel=3, stride=2, padding=1, residuals=1),
    dict(channels=128, kernel=3, stride=2, padding=1, residuals=2),
    dict(channels=192, kernel=3, stride=2, padding=1, residuals=2),
    dict(channels=384, kernel=1, stride=1, padding=0, residuals=0),
]
WEIGHTS = {"subjects": 1.0, "style": 0.5, "finish": 1.0, "background": 0.5, "tint": 0.7, "count": 0.3, "embedding": 1.0}


# ------------------------------------------------------------------------------------- network


class Convolution(nn.Module):
    """Convolution, batch norm, and perhaps a ReLU. The weight is kept as a matrix, for Muon."""

    def __init__(self, inputs, outputs, kernel, stride=1, padding=1, active=True):
        super().__init__()
        self.shape, self.stride, self.padding, self.active = (outputs, inputs, kernel, kernel), stride, padding, active
        fan = inputs * kernel * kernel
        self.weight = nn.Parameter(torch.randn(outputs, fan) * (2 / fan) ** 0.5)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        x = self.norm(F.conv2d(x, self.weight.view(self.shape).contiguous(memory_format=torch.channels_last), None, self.stride, self.padding))
        return F.relu(x) if self.active else x

    def folded(self):
        """Weight and bias of the convolution that does the same without a norm."""
        scale = self.norm.weight / (self.norm.running_var + self.norm.eps).sqrt()
        return (self.weight * scale[:, None]).view(self.shape), self.norm.bias - self.norm.running_mean * scale


class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        self.reduce, self.first, self.second = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        inputs = 4
        for s in STAGES:
            c = s["channels"]
            self.reduce.append(Convolution(inputs, c, s["kernel"], s["stride"], s["padding"]))
            self.first.append(nn.ModuleList(Convolution(c, c, 3) for _ in range(s["residuals"])))
            self.second.append(nn.ModuleList(Convolution(c, c, 3, active=False) for _ in range(s["residuals"])))
            inputs = c
        outputs = sum(len(v) for v in HEADS.values()) + EMBEDDING
        self.heads = nn.Linear(sum(s["channels"] for s in STAGES) + inputs, outputs)
        nn.init.zeros_(self.heads.weight.data[:-EMBEDDING])
        self.spots = nn.Linear(inputs, len(HEADS["subjects"]), bias=False)
        nn.init.zeros_(self.spots.weight)

    def forward(self, x):
        x, whole = x.contiguous(memory_format=torch.channels_last), []
        for reduce, first, second in zip(self.reduce, self.first, self.second):
            x = reduce(x)
            for a, b in zip(first, second):
                x = F.relu(x + b(a(x)))
            whole.append(x.mean((2, 3)))
        with torch.autocast("cpu", enabled=False):
            return read(x.float(), [w.float() for w in whole], self.heads.weight, self.heads.bias, self.spots.weight)

    def folded(self):
        """What is shipped: names as the Rust reader knows them, f16."""
        out = {"heads.weight": self.heads.weight, "heads.bias": self.heads.bias, "spots.weight": self.spots.weight}
        for i, (reduce, first, second) in enumerate(zip(self.reduce, self.first, self.second)):
            parts = {f"stages.{i}.reduce": reduce}
            for j, (a, b) in enumerate(zip(first, second)):
                parts |= {f"stages.{i}.residuals.{j}.first": a, f"stages.{i}.residuals.{j}.second": b}
            for name, part in parts.items():
                out[f"{name}.weight"], out[f"{name}.bias"] = part.folded()
        return {n: t.detach().half().contiguous() for n, t in out.items()}


def read(x, whole, weight, bias, spots, heads=HEADS):
    """Scores of each head and the embedding, of what the last stage gives and the means of every stage."""
    features = F.linear(torch.cat((*whole, x.amax((2, 3))), 1), weight, bias)
    out = dict(zip([*heads, "embedding"], features.split([*(len(v) for v in heads.values()), EMBEDDING], 1)))
    out["subjects"] = out["subjects"] + F.linear(x.flatten(2).transpose(1, 2), spots).amax(1)
    out["embedding"] = F.normalize(out["embedding"], dim=1)
    return out


def run_folded(weights, x, heads=HEADS):
    """The shipped network on [B, 4, 128, 128] in -1..1; the same arithmetic as crates/evaluate. `features` are the means
    of every stage: what distances between sets of pictures are measured in."""
    w = {n: t.float() for n, t in weights.items()}
    conv, whole = lambda x, n, s=1, p=1: F.conv2d(x, w[f"{n}.weight"], w[f"{n}.bias"], s, p), []
    for i, s in enumerate(STAGES):
        x = F.relu(conv(x, f"stages.{i}.reduce", s["stride"], s["padding"]))
        for j in range(s["residuals"]):
            x = F.relu(x + conv(F.relu(conv(x, f"stages.{i}.residuals.{j}.first")), f"stages.{i}.residuals.{j}.second"))
        whole.append(x.mean((2, 3)))
    out = read(x, whole, w["heads.weight"], w["heads.bias"], w["spots.weight"], heads)
    return {**out, "features": torch.cat(whole, 1)}


# ---------------------------------------------------------------------------------------- data


@torch.no_grad()
def shows(stage):
    """[sprites, tints]: whether that tint changes that sprite enough to be told from the sprite as it is."""
    changes = []
    for some in torch.arange(stage.firsts[-1]).split(128):
        plain = F.avg_pool2d(stage.sprites(some.tolist()), 8)
        covered = plain[:, 3].sum((1, 2)).clamp(min=1e-3)
        change = lambda tint: (tinted(plain, tint.expand(len(plain), 3)) - plain).abs().amax(1).sum((1, 2)) / covered
        changes.append(torch.stack([change(tint) for tint in stage.tints], 1))
    return torch.cat(changes) >= TOLD


def labeller(stage, names):
    """A function that says what can be seen in a scene."""
    tints = shows(stage).tolist()
    return lambda scene: labels(scene, names, tints)


def labels(scene, names, shows):
    """What can be seen in a scene: an index for each head, or None where it cannot be told."""
    finish = FINISH_NAMES[scene.finish] if scene.finish is not None else "none"
    lines = finish in LINES_ONLY
    shown = sorted({names[f.sprite // 4] for f in scene.figures})
    known = {n: i for i, n in enumerate(words.SUBJECTS)}
    tints = {f.tint for f in scene.figures}
    if scene.background is None:
        ground = "transparent"
    else:
        kind, index = scene.background
        ground = SCENE_NAMES[index] if kind == "scene" else f"plain {COLOUR_NAMES[index]}" if kind == "plain" else f"{COLOUR_NAMES[index]} gradient"
    tint, shown_by = next(iter(tints)), shows[scene.figures[0].sprite]
    told = all(shown_by) if tint is None else shown_by[tint]
    return dict(
        subjects=[known[n] for n in shown] if all(n in known for n in shown) else None,
        style=None if lines else scene.figures[0].sprite % 4,
        finish=HEADS["finish"].index(finish),
        background=None if lines and (ground.startswith("plain") or ground.endswith("gradient")) else BACKGROUNDS.index(ground),
        tint=None if lines or len(shown) > 1 or not told else tint if tint is not None else len(TINT_NAMES),
        count=len(scene.figures) - 1,
        identity=scene.figures[0].sprite if len(scene.figures) == 1 else None,
    )


class Renders:
    """Fresh scenes: pictures of taught names, and single subjects of every shown sprite as references show them."""

    def __init__(self, stage, names, seed):
        self.stage, self.labels, self.r = stage, labeller(stage, names), random.Random(seed)
        self.tasks = Tasks(names, allow_held_out_pairs=True)
        self.generator = torch.Generator().manual_seed(seed)
        self.kept = []

    def scenes(self, count):
        out = [self.tasks.picture(self.r).target for _ in range(int(count * 0.6))]
        while len(out) < count:
            task = self.tasks.reference(self.r)
            out.append(task.target if self.r.random() < 0.5 else task.references[0])
        return out

    def batch(self, count):
        """Half new and half seen before, some of those mirrored: drawing is a good part of the time."""
        fresh = count if len(self.kept) < count else count // 2
        scenes = self.scenes(fresh)
        drawn = (self.stage.compose(scenes, SIDE, SIDE) * 255).round().byte()
        again = self.r.sample(self.kept, count - fresh)
        new = list(zip(drawn, map(self.labels, scenes)))
        self.kept.extend(new)
        if len(self.kept) > KEPT:
            self.r.shuffle(self.kept)
            del self.kept[: KEPT // 4]
        again = [(p.flip(2) if self.r.random() < 0.5 else p, g) for p, g in again]
        pictures = self.worn(torch.stack([p for p, _ in new + again]).float() / 255)
        return pictures.mul_(2).sub_(1), [g for _, g in new + again]

    def worn(self, pictures):
        """Renders are sharper than anything a small model draws: some are softened, speckled or uneven by patches,
        so that the judge goes by what is shown and not by how crisp it is."""
        def some(share):
            return (torch.rand(len(pictures), generator=self.generator) < share).nonzero()[:, 0]

        noise = lambda rows, *shape: torch.randn(len(rows), *shape, generator=self.generator)
        rows = some(0.2)
        pictures[rows] = F.avg_pool2d(F.pad(pictures[rows], (1, 1, 1, 1), mode="replicate"), 3, 1)
        rows = some(0.1)
        pictures[rows] = F.interpolate(F.avg_pool2d(pictures[rows], 2), scale_factor=2, mode="bilinear", align_corners=False)
        rows = some(0.15)
        pictures[rows] += noise(rows, 4, SIDE, SIDE) * 0.03
        rows = some(0.15)
        pictures[rows] += F.interpolate(noise(rows, 4, 8, 8) * 0.03, scale_factor=16, mode="nearest")
        return pictures.clamp_(0, 1)


def losses(out, given, identities, classes):
    total = {}
    for head in HEADS:
        rows = [i for i, g in enumerate(given) if g[head] is not None]
        if head == "subjects":
            target = torch.zeros(len(rows), len(words.SUBJECTS))
            for k, i in enumerate(rows):
                target[k, given[i][head]] = 1 / len(given[i][head])
        else:
            target = torch.tensor([given[i][head] for i in rows])
        weight = torch.tensor([PLAIN if label == "none" else 1.0 for label in HEADS[head]])
        total[head] = F.cross_entropy(out[head][rows], target, weight)
    rows = [i for i, g in enumerate(given) if g["identity"] is not None]
    cosines = out["embedding"][rows] @ F.normalize(identities, dim=1).T
    target = torch.tensor([classes[given[i]["identity"]] for i in rows])
    total["embedding"] = F.cross_entropy(SHARPNESS * cosines, target)
    return total


def atlas():
    sprites, names = load_atlas()
    return Stage(sprites, halved=True), names


class Trained(nn.Module):
    """The judge, and what its embedding is trained against: a direction for each sprite."""

    def __init__(self, sprites):
        super().__init__()
        self.judge = Judge().to(memory_format=torch.channels_last)
        self.identities = nn.Parameter(torch.randn(sprites, EMBEDDING) * 0.1)


def optimiser(model):
    """Muon for the convolutions. A head sums some 1,200 features: what is a small step for a norm is a wild one for it."""
    head = ("judge.heads.weight", "judge.spots.weight")
    convolution = lambda name, p: p.ndim == 2 and name not in (*head, "identities")
    return Optimiser(model, convolution, lambda name: 0.07 if name in head else 0.4)


def begin(rank, step, options):
    stage, names = atlas()
    tasks = Tasks(names)
    classes = {tasks.sprite(n, s): k for k, (n, s) in enumerate((n, s) for n in tasks.shown for s in range(4))}
    model = Trained(len(classes))
    renders = Renders(stage, names, 7_000_000 + step + 7919 * rank)

    def work():
        pictures, given = renders.batch(options.batch)
        with torch.autocast("cpu", torch.bfloat16):
            out = model.judge(pictures)
        parts = losses(out, given, model.identities, classes)
        loss = sum(WEIGHTS[k] * v for k, v in parts.items())
        return loop.Work(loss, len(given), {k: (v.detach(), 1) for k, v in parts.items()})

    return loop.Job(model, optimiser(model), work, decay=0.99, clip=math.inf)


# ------------------------------------------------------------------------- measuring and shipping


@torch.no_grad()
def predicted(weights, pictures, batch=100, heads=HEADS):
    """All heads for pictures in 0..1 premultiplied, [B, 4, 128, 128]."""
    parts = [run_folded(weights, p * 2 - 1, heads) for p in pictures.split(batch)]
    return {k: torch.cat([p[k] for p in parts]) for k in parts[0]}


def gallery(weights, stage, names, tasks):
    """One embedding for each held-out subject in each style, [100, 4, 128]: the mean over three plain views."""
    scenes = []
    for name in tasks.hidden:
        for style in range(4):
            for ground in (None, ("plain", COLOUR_NAMES.index("white")), ("scene", SCENE_NAMES.index("studio"))):
                scenes.append(Scene([Figure(tasks.sprite(name, style), scale=0.70)], background=ground))
    pictures = torch.cat([stage.compose(scenes[i : i + 100], SIDE, SIDE) for i in range(0, len(scenes), 100)])
    views = predicted(weights, pictures)["embedding"].view(len(tasks.hidden), 4, 3, -1)
    return F.normalize(views.mean(2), dim=-1)


def retrieved(embedding, shelf):
    """Index of the nearest held-out subject in any of its styles, for each row."""
    cosines = torch.einsum("bd,nsd->bns", embedding, shelf.float())
    return cosines.amax(2).argmax(1)


def measure(weights, shelf, stage, names, tasks, count=2000):
    """The judge's own accuracy on fresh renders, with held-out pairs; and on subjects that it never saw."""
    renders, hits = Renders(stage, names, 99_000_000), {h: [] for h in HEADS}
    hits |= {h: [] for h in ("two subjects", "finish, where there is one", "tint, where there is one")}
    for _ in range(count // 100):
        scenes = [renders.tasks.picture(renders.r).target for _ in range(100)]
        out = predicted(weights, stage.compose(scenes, SIDE, SIDE))
        for row, scene in enumerate(scenes):
            for head, truth in renders.labels(scene).items():
                if head == "identity" or truth is None:
                    continue
                if head == "subjects":
                    best = set(out[head][row].topk(len(truth)).indices.tolist())
                    hits["subjects" if len(truth) == 1 else "two subjects"].append(best == set(truth))
                else:
                    right = out[head][row].argmax().item() == truth
                    hits[head].append(right)
                    if HEADS[head][-1] == "none" and HEADS[head][truth] != "none":
                        hits[f"{head}, where there is one"].append(right)
    r, truth, scenes = random.Random(98_000_000), [], []
    for i, name in enumerate(tasks.hidden):
        for _ in range(5):
            truth.append(i)
            scenes.append(tasks.reference(r, name).target)
    pictures = torch.cat([stage.compose(scenes[i : i + 100], SIDE, SIDE) for i in range(0, len(scenes), 100)])
    right = retrieved(predicted(weights, pictures)["embedding"], shelf) == torch.tensor(truth)
    own = {h: round(float(np.mean(v)), 4) for h, v in hits.items()}
    own["unseen subject retrieved"] = round(right.float().mean().item(), 4)
    lines = torch.tensor([s.finish is not None and FINISH_NAMES[s.finish] in LINES_ONLY for s in scenes])
    own["unseen subject retrieved, but for pencil and neon"] = round(right[~lines].float().mean().item(), 4)
    return own


def export():
    from safetensors.torch import save_file

    stage, names = atlas()
    tasks = Tasks(names)
    model, state = Judge(), torch.load(STATE)
    # The averages of norms are those of the last weights; the rate has fallen to nothing, so the weights are too.
    model.load_state_dict({n.removeprefix("judge."): t for n, t in state["model"].items() if n.startswith("judge.")})
    weights = model.eval().folded()
    shelf = gallery(weights, stage, names, tasks)
    own = measure(weights, shelf, stage, names, tasks)
    OUT.mkdir(exist_ok=True)
    save_file({**weights, "gallery": shelf.half().contiguous()}, OUT / "judge.safetensors")
    about = dict(schema=2, side=SIDE, channels=4, stages=STAGES, heads=[dict(name=h, labels=v) for h, v in HEADS.items()], embedding=EMBEDDING, gallery=tasks.hidden, steps=state["step"], own=[dict(what=h, share=v) for h, v in own.items()])
    (OUT / "judge.json").write_text(json.dumps(about, indent=1) + "\n")
    parameters = sum(t.numel() for t in weights.values())
    print(f"{parameters / 1e6:.2f} M parameters, {state['step']} steps")
    for head, value in own.items():
        print(f"  {head:52} {value:6.1%}")


@dataclass
class Shipped:
    """The judge that is committed: it may know fewer names than are taught by now."""

    weights: dict
    shelf: torch.Tensor  # [100, 4, EMBEDDING]
    gallery: list  # names of the shelf's rows
    heads: dict  # labels

    def sees(self, pictures):
        """What pictures in 0..1 premultiplied, [B, 4, 128 k, 128 k], show: for each head scores [B, labels], the embedding
        [B, 128], features, and `retrieved`, the index of the nearest of the held-out subjects."""
        pictures = F.avg_pool2d(pictures, pictures.shape[2] // SIDE) if pictures.shape[2] > SIDE else pictures
        out = predicted(self.weights, pictures, heads=self.heads)
        return {**out, "retrieved": retrieved(out["embedding"], self.shelf)}


def load():
    from safetensors.torch import load_file

    weights, about = load_file(OUT / "judge.safetensors"), json.loads((OUT / "judge.json").read_text())
    return Shipped(weights, weights.pop("gallery"), about["gallery"], {h["name"]: h["labels"] for h in about["heads"]})


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.arguments(p, minutes=40, rate=6e-3, hold=0.2, batch=64)
    p.add_argument("--export", action="store_true", help="train no further; measure and write")
    o = p.parse_args()
    if o.device != "cpu" or o.carry:
        p.error("the judge is trained on processor cores, and from its own state")
    if not o.export:
        loop.run(STATE, begin, o)
    torch.set_num_threads(1)
    export()


if __name__ == "__main__":
    main()
