"""The evaluation set, and the table of `starter.md` measured in PyTorch while training goes on.

    python evaluation.py make                                   writes ../eval/ (fixed seeds: the same every time)
    python evaluation.py score --steps 24 --guidance 2.5        the averaged weights of state.pt
    python evaluation.py score --shipped --steps 4 --guidance 1 version 0.8.0
    python evaluation.py score --folder DIR                     pictures p0000.png, r0000.png, e0000.png, made by anything
    python evaluation.py parity                                 what the judge sees in a few pictures, for tests in Rust
    python evaluation.py ceiling                                the renders themselves: what a perfect model would score

What counts for a release is `cargo xtask eval-starter`, the same table through the Rust engine (crates/evaluate). Both
read ../eval/tasks.json and judge alike:

- Labels are there only for what the caption says and what can be told (judges.labeller).
- A subject is right if it ranks first of all taught names, two if they are the first two.
- A pair (subject, attribute) is right if both are. Held-out pairs were never trained on; their score is divided by that
  of all other pairs of single-subject prompts.
- Unseen subjects: nearest in the judge's gallery, a hundred subjects in four styles each; the style need not be right.
- Edits: PSNR against the source over premultiplied RGBA where the mask is black, mean over tasks, each at most 60 dB.
  Here edits are as the network draws them; the engine's guard keeps what they leave alone, and its table has both.
- Whether an edit was done: one of a single figure beside another is looked at alone, a quarter of the picture doubled,
  since judges learn one subject in the middle or two of one size.
"""

import argparse
import json
import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import judges
import sample
import tokenizer as tok
import vocabulary as words
from judges import HEADS, SIDE, atlas, labeller
from scenes import FINISH_NAMES, SCENE_NAMES, grow
from tasks import Tasks, pair_held_out

OUT = Path(__file__).parent.parent / "eval"
COLUMNS = 20
PROMPTS, HELD_OUT_PAIRS, EDITS = 800, 200, {"recolour": 28, "background": 28, "add": 22, "remove": 22}
MARGIN = 4  # pixels by which the changed region of an edit is grown
CLOSE = SIDE // 2  # pixels of a side of what is looked at doubled
BEST_PSNR = 60.0


# ---------------------------------------------------------------------------------------- making


def said(task, labels):
    """The labels that the caption names, as words; None for what it leaves open or cannot be told."""
    seen, caption = labels(task.target), task.caption
    mentions = lambda phrases: any(p in caption for p in phrases)
    word = {h: HEADS[h][seen[h]] if seen[h] is not None else None for h in ("style", "background", "finish", "tint")}
    if word["style"] and not mentions(words.STYLES[word["style"]]):
        word["style"] = None
    ground = word["background"]
    if ground:
        if ground == "transparent":
            phrases = words.TRANSPARENT
        elif ground in words.SCENES:
            phrases = words.SCENES[ground]
        elif ground.startswith("plain"):
            colour = ground.split()[1]
            phrases = [f"{colour} background", f"on {colour}"]
        else:
            phrases = [ground]
        if not mentions(phrases):
            word["background"] = None
    # No finish and no tint is what a caption without one asks for, but it is the easy answer: not counted.
    for head in ("finish", "tint"):
        if word[head] == "none":
            word[head] = None
    subjects = [HEADS["subjects"][i] for i in seen["subjects"]] if seen["subjects"] is not None else []
    return dict(subjects=subjects, count=len(task.target.figures), **word)


def pairs(label):
    """Attributes that a single subject is paired with, as (head, word)."""
    if len(label["subjects"]) != 1:
        return []
    found = [(h, label[h]) for h in ("tint", "finish", "background") if label[h]]
    return [(h, w) for h, w in found if h != "background" or w in SCENE_NAMES]


def prompts(tasks, free, labels, encode):
    out, taken = [], set()

    def add(task, hidden=None):
        if task.caption in taken or len(encode(task.caption)) > tok.MAX_TOKENS:
            return
        taken.add(task.caption)
        label = said(task, labels)
        apart = [dict(head=h, word=w) for h, w in hidden or pairs(label)]
        out.append(dict(prompt=task.caption, seed=len(out), **label, pairs=apart, held_out=hidden is not None, scene=task.target))

    r = random.Random(20_001)
    while len(out) < PROMPTS:
        add(tasks.picture(r))
    r = random.Random(20_002)
    while len(out) < PROMPTS + HELD_OUT_PAIRS:
        task = free.picture(r)
        label = said(task, labels)
        hidden = [p for p in pairs(label) if pair_held_out(label["subjects"][0], p[1])]
        if hidden:
            add(task, hidden)
    return out


def references(tasks):
    """Each held-out subject twice, in a new scene; its style stays, since the gallery is of drawings, not of names."""
    r, out = random.Random(20_003), []
    for name in tasks.hidden * 2:
        while True:
            task = tasks.reference(r, name)
            finish = task.target.finish
            lines = finish is not None and FINISH_NAMES[finish] in judges.LINES_ONLY
            same = task.target.figures[0].sprite == task.references[0].figures[0].sprite
            if same and not lines and task.target.figures[0].tint is None:
                break
        out.append(dict(prompt=task.caption, seed=30_000 + len(out), subject=name, scene=task.target, source=task.references[0]))
    return out


def edits(tasks, stage, labels):
    r, out = random.Random(20_004), []
    for kind, count in EDITS.items():
        made = 0
        while made < count:
            task = tasks.edit(r, kind)
            before, after = task.references[0], task.target
            if before.finish is not None:
                continue
            mask, source, target = changed_region(stage, before, after, kind)
            share = mask.mean().item()
            if not 0.03 < share < 0.93:
                continue
            seen, wanted = labels(after), {}
            one = {"recolour": task.labels["changed"], "add": 1}.get(kind)
            if one is not None and len(after.figures) > 1:
                figure = after.figures[one]
                seen = labels(replace(after, figures=[figure]))
                wanted["close"] = [min(max(round(v * SIDE - CLOSE / 2), 0), SIDE - CLOSE) for v in (figure.x, figure.y)]
            if kind == "background":
                wanted["background"] = HEADS["background"][seen["background"]]
            elif kind == "recolour":
                wanted["tint"] = HEADS["tint"][seen["tint"]] if seen["tint"] is not None else None
            else:
                wanted["subjects"] = [HEADS["subjects"][i] for i in seen["subjects"]]
            if kind == "remove":
                wanted["gone"] = next(n for n in task.labels["subjects"] if n not in wanted["subjects"])
            made += 1
            out.append(dict(prompt=task.caption, seed=40_000 + len(out), kind=kind, wanted=wanted, scene=after, source=before, mask=mask))
    return out


def changed_region(stage, before, after, kind):
    """White where the picture may change: wherever the two renders differ, shadows too, and all of a figure that does,
    grown by a margin. For a background, all but the inside of the figures."""
    (source, masks), (target, new) = (stage.compose([s], SIDE, SIDE, with_masks=True) for s in (before, after))
    if kind == "background":
        inside = (masks[:, : len(before.figures)].amax(1, keepdim=True) > 0.98).float()
        return grow(1 - inside, MARGIN)[0, 0], source, target
    region = ((source - target).abs().amax(1, keepdim=True) > 0.004).float()
    return grow(region, MARGIN)[0, 0], source, target


def straight(pictures):
    """[B, 4, H, W] premultiplied 0..1 to uint8 [B, H, W, 4] with straight alpha."""
    alpha = pictures[:, 3:]
    rgb = (pictures[:, :3] / alpha.clamp(min=1e-3)).clamp(0, 1) * (alpha > 0.001)
    return (torch.cat((rgb, alpha), 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()


def premultiplied(rgba):
    """uint8 [B, H, W, 4] straight to float [B, 4, H, W] premultiplied in 0..1."""
    x = torch.from_numpy(np.ascontiguousarray(rgba)).permute(0, 3, 1, 2).float() / 255
    return torch.cat((x[:, :3] * x[:, 3:], x[:, 3:]), 1)


def write_sheet(cells, name, **options):
    """Cells of one size in rows of COLUMNS."""
    rows = -(-len(cells) // COLUMNS)
    whole = np.zeros((rows * SIDE, COLUMNS * SIDE, *cells.shape[3:]), np.uint8)
    for i, cell in enumerate(cells):
        y, x = i // COLUMNS * SIDE, i % COLUMNS * SIDE
        whole[y : y + SIDE, x : x + SIDE] = cell
    image = Image.fromarray(whole)
    (image.convert("1") if whole.ndim == 2 else image).save(OUT / name, **options)


def read_sheet(name, count):
    image = Image.open(OUT / name)
    whole = np.asarray(image.convert("RGBA" if image.mode not in ("1", "L") else "L"))
    at = lambda i: (i // COLUMNS * SIDE, i % COLUMNS * SIDE)
    return np.stack([whole[y : y + SIDE, x : x + SIDE] for y, x in map(at, range(count))])


def build():
    stage, names = atlas()
    tasks, free = Tasks(names), Tasks(names, allow_held_out_pairs=True)
    tokenizer, labels = tok.load(), labeller(stage, names)
    return stage, names, dict(
        prompts=prompts(tasks, free, labels, lambda c: tokenizer.encode(c).ids),
        references=references(tasks),
        edits=edits(tasks, stage, labels),
    )


def composed(stage, scenes):
    return torch.cat([stage.compose(scenes[i : i + 100], SIDE, SIDE) for i in range(0, len(scenes), 100)])


def make():
    stage, _, tasks = build()
    OUT.mkdir(exist_ok=True)
    lossless = dict(lossless=True, quality=100, method=6, exact=True)
    write_sheet(straight(composed(stage, [t["source"] for t in tasks["references"]])), "references.webp", **lossless)
    write_sheet(straight(composed(stage, [t["source"] for t in tasks["edits"]])), "edits.webp", **lossless)
    write_sheet((torch.stack([t["mask"] for t in tasks["edits"]]).numpy() * 255).astype(np.uint8), "masks.png", optimize=True)
    plain = {k: [{n: v for n, v in t.items() if n not in ("scene", "source", "mask")} for t in ts] for k, ts in tasks.items()}
    lines = [f' "{k}": [\n' + ",\n".join("  " + json.dumps(t) for t in ts) + "\n ]" for k, ts in plain.items()]
    head = f' "schema": 2,\n "side": {SIDE},\n "columns": {COLUMNS},\n'
    (OUT / "tasks.json").write_text("{\n" + head + ",\n".join(lines) + "\n}\n")
    for path in sorted(OUT.iterdir()):
        print(f"{path.name:20} {path.stat().st_size / 1e3:8.1f} kB")


def parity(count=4):
    """Every number that the shipped judge gives for the first reference pictures: ../judges/parity.json."""
    judge = judges.load()
    out = judge.sees(premultiplied(read_sheet("references.webp", count)))
    out.pop("features")
    numbers = lambda row: [round(v, 6) for v in row.tolist()]
    seen = [{k: judge.gallery[v[i]] if k == "retrieved" else numbers(v[i]) for k, v in out.items()} for i in range(count)]
    (judges.OUT / "parity.json").write_text("[\n" + ",\n".join(map(json.dumps, seen)) + "\n]\n")


# --------------------------------------------------------------------------------------- scoring


def psnr(picture, source, mask):
    """Both [4, H, W] premultiplied in 0..1, over what the mask leaves black."""
    kept = mask < 0.5
    error = (picture - source)[:, kept].pow(2).mean().item()
    return min(BEST_PSNR, -10 * math.log10(max(error, 1e-12)))


def mean(values):
    return float(np.mean(values)) if len(values) else None


def score(tasks, pictures, sources, masks, judge):
    """The measured table as {line: (value, how many)}; `pictures` holds [B, 4, 128, 128] for each kind of task."""
    labels = judge.heads
    hits = {k: [] for k in ("subject", "style", "background", "tint", "finish", "count", "two", "seen", "held")}
    out = judge.sees(pictures["prompts"])
    first = {h: [labels[h][i] for i in out[h].argmax(1).tolist()] for h in labels}
    for i, task in enumerate(tasks["prompts"][: len(pictures["prompts"])]):
        best = {labels["subjects"][k] for k in out["subjects"][i].topk(len(task["subjects"])).indices.tolist()}
        subject = best == set(task["subjects"])
        right = lambda head: first[head][i] == task[head]
        hits["held" if task["held_out"] else "seen"].extend(subject and first[p["head"]][i] == p["word"] for p in task["pairs"])
        if task["held_out"]:
            continue
        hits["subject" if len(best) == 1 else "two"].append(subject)
        for head in ("style", "background", "tint", "finish"):
            if task[head]:
                hits[head].append(right(head))
        hits["count"].append(first["count"][i] == str(task["count"]))
    table = {k: (mean(v), len(v)) for k, v in hits.items()}
    held, seen = table.pop("held"), table.pop("seen")
    table["seen pairs"], table["held-out pairs"] = seen, held
    table["held-out over seen"] = (held[0] / seen[0] if held[1] and seen[0] else None, held[1])
    found = judge.sees(pictures["references"])["retrieved"].tolist() if len(pictures["references"]) else []
    table["unseen"] = (mean([judge.gallery[f] == t["subject"] for f, t in zip(found, tasks["references"])]), len(found))
    count = len(pictures["edits"])
    table["edit psnr"] = (mean([psnr(p, s, m) for p, s, m in zip(pictures["edits"], sources, masks)]), count)
    asked = tasks["edits"][:count]
    done = edits_done(asked, judge.sees(closer(asked, pictures["edits"])), labels) if count else []
    told = {"edit done": list(EDITS), **{f"edit {kind}": [kind] for kind in EDITS}}
    for line, kinds in told.items():
        these = [d for kind, d in done if kind in kinds]
        table[line] = (mean(these), len(these))
    return table


def closer(tasks, pictures):
    """The pictures of edits, and of some the quarter where something should have happened, every pixel four times."""
    corners = [task["wanted"].get("close") for task in tasks]
    double = lambda part: part.repeat_interleave(2, 1).repeat_interleave(2, 2)
    quarter = lambda p, left, top: double(p[:, top : top + CLOSE, left : left + CLOSE])
    return torch.stack([p if c is None else quarter(p, *c) for p, c in zip(pictures, corners)])


def edits_done(tasks, out, labels):
    """(kind, whether the edit that was asked for can be seen), where the judge can tell."""
    hits = []
    add = lambda hit: hits.append((task["kind"], hit))
    for i, task in enumerate(tasks):
        wanted = task["wanted"]
        top = lambda h: labels[h][out[h][i].argmax().item()]
        if task["kind"] == "remove":
            rank = lambda n: out["subjects"][i][labels["subjects"].index(n)].item()
            add(rank(wanted["subjects"][0]) > rank(wanted["gone"]) and top("count") == "1")
        elif task["kind"] == "add":
            add([top("subjects")] == wanted["subjects"])
        else:
            head = "tint" if task["kind"] == "recolour" else "background"
            if wanted[head]:
                add(top(head) == wanted[head])
    return hits


LINES = [  # key, what it says, what is asked of it
    ("subject", "subject named is the subject drawn, top-1", 0.94),
    ("style", "style right", 0.92),
    ("background", "background right", 0.97),
    ("tint", "tint right", 0.96),
    ("two", "two subjects, both present", 0.80),
    ("unseen", "unseen subject from one reference, top-1 of 100", 0.95),
    ("edit psnr", "edit: PSNR outside the changed region, dB", 35.0),
    ("held-out over seen", "held-out pairs' score over seen pairs'", None),
    ("finish", "finish right", None),
    ("count", "count right", None),
    ("seen pairs", "seen pairs: subject and attribute right", None),
    ("held-out pairs", "held-out pairs: subject and attribute right", None),
    ("edit done", "edit: what was asked is there", 0.80),
    ("edit recolour", "edit: the subject named is recoloured", None),
    ("edit background", "edit: the background is changed", None),
    ("edit add", "edit: the subject named is added", None),
    ("edit remove", "edit: the subject named is removed", None),
]


def show(table):
    for key, said_, asked in LINES:
        value, count = table[key]
        text = lambda v: "" if v is None else f"{v:.1f}" if key == "edit psnr" else f"{v:.1%}"
        met = "" if value is None or asked is None else "met" if value >= asked else f"missed by {text(asked - value)}"
        print(f"{said_:48} {text(asked):>7} {text(value):>7}  n={count:<4} {met}")


def record(options, table):
    """The line "4 steps against 24 guided steps": both sides on the same prompts, for the card and the Rust table."""
    path = OUT.parent / "training.json"
    whole = json.loads(path.read_text()) if path.exists() else {}
    side = "" if options.record == "teacher" else "student_"
    measured = dict(steps=options.steps, guidance=options.guidance, subject=round(table["subject"][0], 4), prompts=table["subject"][1])
    whole.setdefault("teacher", {}).update({side + k: v for k, v in measured.items()})
    path.write_text(json.dumps(whole, indent=1) + "\n")


def pictures_of(options, tasks, sources):
    counts = {k: min(len(v), options.limit or len(v)) for k, v in tasks.items()}
    if options.folder:
        read = lambda path: np.asarray(Image.open(path).convert("RGBA"))
        files = {k: [Path(options.folder) / f"{k[0]}{i:04}.png" for i in range(n)] for k, n in counts.items()}
        return {k: premultiplied(np.stack([read(p) for p in ps])) for k, ps in files.items()}
    drawer, out = sample.drawer(options), {}
    reduced = lambda pictures: F.avg_pool2d(pictures, drawer.side // SIDE) if drawer.side > SIDE else pictures
    for kind, n in counts.items():
        seen = [sources[kind][:n]] if kind in sources else None
        captions = [t["prompt"] for t in tasks[kind][:n]]
        if not captions:
            out[kind] = torch.zeros(0, 4, SIDE, SIDE)
            continue
        if seen and drawer.side > SIDE:  # the set's pictures are of SIDE
            seen = [F.interpolate(s, scale_factor=drawer.side // SIDE, mode="bicubic", antialias=True).clamp(0, 1) for s in seen]
        out[kind] = reduced(drawer.draw(captions, seen, seed=options.seed))
    return out


def spread(tasks, limit):
    """With a limit, tasks from all over: held-out pairs and every kind of edit are among them."""
    every = lambda n: range(n) if not limit or limit >= n else [int(i * n / limit) for i in range(limit)]
    return {k: list(every(len(v))) for k, v in tasks.items()}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["make", "parity", "score", "ceiling"])
    p.add_argument("--folder")
    sample.arguments(p, 24, 2.5)
    p.add_argument("--record", choices=["teacher", "student"], help="write the subject accuracy into ../training.json")
    p.add_argument("--limit", type=int, help="at most this many tasks of each kind")
    o = p.parse_args()
    torch.set_num_threads(1)
    if o.what in ("make", "parity"):
        return globals()[o.what]()
    tasks = json.loads((OUT / "tasks.json").read_text())
    tasks = {k: tasks[k] for k in ("prompts", "references", "edits")}
    sources = {k: premultiplied(read_sheet(f"{k}.webp", len(tasks[k]))) for k in ("references", "edits")}
    masks = torch.from_numpy(read_sheet("masks.png", len(tasks["edits"]))).float() / 255
    if o.record:  # which is of these alone
        alone = [t for t in tasks["prompts"] if len(t["subjects"]) == 1 and not t["held_out"]]
        tasks = dict(prompts=alone, references=[], edits=[])
    if o.what == "ceiling":
        stage, _, made = build()
        pictures = {k: composed(stage, [t["scene"] for t in ts[: o.limit]]) for k, ts in made.items()}
    else:
        if o.limit and not o.folder:
            chosen = spread(tasks, o.limit)
            tasks = {k: [tasks[k][i] for i in rows] for k, rows in chosen.items()}
            sources = {k: v[chosen[k]] for k, v in sources.items()}
            masks = masks[chosen["edits"]]
        pictures = pictures_of(o, tasks, sources)
    table = score(tasks, pictures, sources["edits"], masks, judges.load())
    show(table)
    if o.record:
        record(o, table)


if __name__ == "__main__":
    main()
