"""What the starter is asked to do: scenes with their captions, references with new scenes, edits with instructions.

Every function draws one task from a `random.Random`. A task is plain data: the target scene, the caption, the
reference scenes, and labels that the evaluation reads.
"""

import copy
import re
import zlib
from dataclasses import dataclass, field

import products
import vocabulary as words
from scenes import COLOUR_NAMES, FINISH_NAMES, SCENE_NAMES, TINT_NAMES, Figure, Scene
from backgrounds import VARIANTS

STYLE_NAMES = list(words.STYLES)
EDITS = {"background": 5, "recolour": 5, "finish": 3, "remove": 2, "add": 3, "style": 2}  # "nothing": see `Tasks.nothing`
SEVERAL = {  # where they stand, and how large they are
    2: [(((0.28, 0.55), (0.72, 0.55)), 0.46), (((0.30, 0.38), (0.69, 0.66)), 0.44), (((0.30, 0.66), (0.69, 0.38)), 0.44)],
    3: [(((0.19, 0.55), (0.5, 0.55), (0.81, 0.55)), 0.34), (((0.27, 0.70), (0.73, 0.70), (0.5, 0.29)), 0.40), (((0.27, 0.32), (0.73, 0.32), (0.5, 0.70)), 0.40)],
}
STYLES_SAID = {phrase for phrases in words.STYLES.values() for phrase in phrases}
TINTED = re.compile(rf"\b(an? )?(?:{'|'.join(words.TINTS)}) (?!background|gradient)(\w+)")


@dataclass
class Task:
    caption: str
    target: Scene
    references: list = field(default_factory=list)
    labels: dict = field(default_factory=dict)


def pair_held_out(subject, attribute):
    """One pair in fourteen of a subject with a tint, finish or scene is never trained on; judged apart."""
    return zlib.crc32(f"{subject}|{attribute}".encode()) % 14 == 0


class Tasks:
    def __init__(self, names, allow_held_out_pairs=False, two=0.24, several=0.10, style_said=0.72, products=0.0, edits=EDITS, named=words.SUBJECTS):
        """Shares: `two` of pictures with two subjects, `several` of those with one subject more than once, `style_said` of
        captions that name the style, `products` of references that are a product to be turned; `edits` says how often
        each kind of edit is asked for. The evaluation set was drawn with what stands here; training may take more of what
        it finds hard. `named`: the subjects that captions name."""
        self.edits = edits
        self.single, self.several, self.style_said, self.products = 1 - two - several, several, style_said, products
        self.index = {n: i for i, n in enumerate(names)}
        self.names = dict(enumerate(names))  # products come after these
        self.named = list(named)
        hidden = set(words.HELD_OUT)
        self.hidden = sorted(hidden)
        self.shown = [n for n in names if n not in hidden]  # may be a reference in training
        self.free = allow_held_out_pairs

    # ------------------------------------------------------------------ parts of a scene

    def sprite(self, name, style):
        return self.index[name] * 4 + style

    def background(self, r):
        """(background, phrase); the phrase may be empty, and a transparent one always says so."""
        u = r.random()
        if u < 0.24:
            return None, r.choice(words.TRANSPARENT)
        if u < 0.70:
            i = r.randrange(len(SCENE_NAMES))
            return ("scene", i), r.choice(words.SCENES[SCENE_NAMES[i]])
        i = r.randrange(len(COLOUR_NAMES))
        name = COLOUR_NAMES[i]
        if u < 0.92:
            return ("plain", i), r.choice([f"on {article(name)} background", f"{name} background", f"on {name}"])
        return ("gradient", i), r.choice([f"on {article(name)} gradient", f"{name} gradient background"])

    def view(self, r, background):
        return dict(background=background, variant=r.randrange(VARIANTS), crop=(r.random(), r.random()), mirrored=r.random() < 0.5, shade=r.gauss(0, 0.02))

    def figure(self, r, name, style, **place):
        return self.stood(r, self.sprite(name, style), **place)

    def stood(self, r, sprite, flip=None, **place):
        """A sprite at a place, not quite exactly, and now and then far from it, turned or leaning: who asks twice for a
        rocket wants to see two."""
        f, wide = Figure(sprite, **place), r.random() < 0.4
        f.turn = r.gauss(0, 12 if wide else 3)
        f.x += r.gauss(0, 0.035 if wide else 0.012)
        f.y += r.gauss(0, 0.035 if wide else 0.012)
        f.scale *= r.uniform(0.8, 1.08) if wide else r.uniform(0.95, 1.05)
        f.lean = r.gauss(0, 0.08) if wide else 0.0
        f.squeeze = r.uniform(0.88, 1.06) if wide else 1.0
        f.flip = r.random() < 0.5 if flip is None else flip
        return f

    def again(self, r, task):
        """Another scene for a picture's caption: the same things otherwise placed, before another variant of the ground."""
        figures = [self.stood(r, f.sprite, **place) for f, place in zip(task.target.figures, task.labels["places"])]
        for f, before in zip(figures, task.target.figures):
            f.tint = before.tint
        return Scene(figures, finish=task.target.finish, **self.view(r, task.target.background))

    def allowed(self, name, *attributes):
        return self.free or not any(a is not None and pair_held_out(name, a) for a in attributes)

    def leaks(self, task):
        """Whether a scene of the task, be it a reference, shows a taught name with what is held out for it."""
        for scene in () if self.free else (task.target, *task.references):
            ground = SCENE_NAMES[scene.background[1]] if scene.background and scene.background[0] == "scene" else None
            finish = FINISH_NAMES[scene.finish] if scene.finish is not None else None
            for figure in scene.figures:
                name = self.names.get(figure.sprite // len(STYLE_NAMES))
                tint = TINT_NAMES[figure.tint] if figure.tint is not None else None
                if name in words.SUBJECTS and not self.allowed(name, ground, finish, tint):
                    return True
        return False

    # ------------------------------------------------------------------------------ tasks

    def picture(self, r):
        """Text to picture."""
        while True:
            task = self._picture(r)
            if task is not None:
                return task

    def _picture(self, r):
        style = r.randrange(4)
        background, where = self.background(r)
        finish = r.randrange(len(FINISH_NAMES)) if r.random() < 0.26 else None
        scene_name = SCENE_NAMES[background[1]] if background and background[0] == "scene" else None
        finish_name = FINISH_NAMES[finish] if finish is not None else None
        kind = r.random()
        tints = []

        def noun(name, several=False):
            tint = r.randrange(len(TINT_NAMES)) if r.random() < 0.27 else None
            tints.append(tint)
            phrase = r.choice(words.phrases(name)) if r.random() < 0.5 else words.phrases(name)[0]
            phrase = words.plural(phrase) if several else phrase
            return f"{TINT_NAMES[tint]} {phrase}" if tint is not None else phrase

        if kind < self.single:
            name = r.choice(self.named)
            subjects, text = [name], noun(name)
            place, size = dict(x=0.5, y=0.53, scale=0.70), r.random()
            if size < 0.07:
                place["scale"], text = 0.42, f"{r.choice(['small', 'tiny'])} {text}"
            elif size < 0.14:
                place["scale"], text = 0.92, f"{r.choice(['large', 'big'])} {text}"
            text = article(text) if r.random() < 0.8 else text
            side = r.random()
            if side < 0.10:
                left = side < 0.05
                place["x"], place["scale"] = (0.29 if left else 0.71), min(place["scale"], 0.50)
                text += " on the left" if left else " on the right"
            elif side < 0.15:
                top = side < 0.125
                place["y"], place["scale"] = (0.29 if top else 0.72), min(place["scale"], 0.48)
                text += " at the top" if top else " at the bottom"
            places = [place]
        elif kind < self.single + self.several:
            name, count = r.choice(self.named), r.choice([2, 3])
            subjects, text = [name], f"{words.NUMBERS[count]} {noun(name, True)}"
            spots, scale = r.choice(SEVERAL[count])
            places = [dict(x=x, y=y, scale=scale) for x, y in spots]
            tints = tints * count
        else:
            a, b = r.sample(self.named, 2)
            subjects, u = [a, b], r.random()
            first, second = article(noun(a)), article(noun(b))
            if u < 0.8:
                text, xs = f"{first} {r.choice(['and', 'next to', 'and', 'with', 'to the left of'])} {second}", (0.28, 0.72)
            else:
                text, xs = f"{first} to the right of {second}", (0.72, 0.28)
            places = [dict(x=x, y=0.55, scale=0.48) for x in xs]
        named = subjects if len(subjects) == len(places) else subjects * len(places)
        figures = [self.figure(r, name, style, **place) for name, place in zip(named, places)]
        for f, t in zip(figures, tints):
            f.tint = t
        for name, tint in zip(subjects, tints):
            if not self.allowed(name, scene_name, finish_name, TINT_NAMES[tint] if tint is not None else None):
                return None
        target = Scene(figures, finish=finish, **self.view(r, background))
        caption = self.sentence(r, text, where, style, finish, background is None)
        labels = dict(subjects=subjects, style=style, finish=finish_name, background=background, tints=tints, count=len(figures), places=places)
        return Task(caption, target, labels=labels)

    def sentence(self, r, text, where, style, finish, transparent, style_said=None):
        if transparent and where == "sticker":
            text, where = f"sticker of {text}", ""
        elif not transparent and r.random() < 0.12:
            where = ""
        elif r.random() < 0.08:
            text = r.choice(["a picture of", "an illustration of", "draw", "a drawing of"]) + " " + text
        parts = [f"{text} {where}".strip() if not transparent or r.random() < 0.4 else ", ".join(p for p in (text, where) if p)]
        tail = []
        if r.random() < (self.style_said if style_said is None else style_said):
            tail.append(r.choice(words.STYLES[STYLE_NAMES[style]]))
        if finish is not None:
            tail.append(r.choice(words.FINISHES[FINISH_NAMES[finish]]))
        r.shuffle(tail)
        return ", ".join(parts + tail)

    def reference(self, r, name=None, style=None):
        """One reference of a subject, and the subject in a new scene."""
        if self.products and name is None and r.random() < self.products:
            return self.turned(r)
        name = name or r.choice(self.shown)
        style = r.randrange(4) if style is None else style
        u = r.random()
        ground = None if u < 0.5 else ("plain", r.randrange(len(COLOUR_NAMES))) if u < 0.85 else ("scene", r.randrange(len(SCENE_NAMES)))
        flip = r.random() < 0.5
        seen = Scene([self.figure(r, name, style, x=0.5, y=0.53, scale=r.uniform(0.66, 0.86), flip=flip)], **self.view(r, ground))
        background, where = self.background(r)
        finish = r.randrange(len(FINISH_NAMES)) if r.random() < 0.14 else None
        tint = r.randrange(len(TINT_NAMES)) if r.random() < 0.08 else None
        called = ["this", "the same", "this"]
        noun = r.choice(words.phrases(name)) if name in words.SUBJECTS and r.random() < 0.5 else r.choice(["subject", "thing", "subject", "object"])
        text = f"{r.choice(called)} {TINT_NAMES[tint] + ' ' if tint is not None else ''}{noun}"
        place, u = dict(x=0.5, y=0.53, scale=0.70), r.random()
        if u < 0.07:
            place["scale"], text = 0.46, text + " small"
        elif u < 0.21:
            left = u < 0.14
            place["x"], place["scale"], text = (0.29, 0.5, text + " on the left") if left else (0.71, 0.5, text + " on the right")
        target_style, said = style, 0.0
        if r.random() < 0.12:
            target_style, said = r.randrange(4), 1.0
        f = self.figure(r, name, target_style, flip=flip, **place)
        f.tint = tint
        target = Scene([f], finish=finish, **self.view(r, background))
        caption = self.sentence(r, text, where, target_style, finish, background is None, said)
        labels = dict(subjects=[name], style=target_style, background=background, finish=finish)
        return Task(caption, target, [seen], labels)

    def turned(self, r):
        """A product that a reference shows from one side, asked for from another."""
        kinds = list(products.KINDS)
        kind, number = r.randrange(len(kinds)), r.randrange(products.EACH - products.HIDDEN)
        first = len(self.index) * len(STYLE_NAMES) + (kind * products.EACH + number) * len(products.VIEWS)
        seen_from, shown_from = r.sample(range(len(products.VIEWS)), 2)
        figure = lambda view, **place: self.stood(r, first + view, flip=False, x=0.5, y=0.53, **place)
        ground = None if r.random() < 0.5 else ("plain", r.randrange(len(COLOUR_NAMES)))
        seen = Scene([figure(seen_from, scale=r.uniform(0.66, 0.86))], **self.view(r, ground))
        background, where = self.background(r)
        target = Scene([figure(shown_from, scale=0.70)], **self.view(r, background))
        noun = kinds[kind] if r.random() < 0.6 else r.choice(["thing", "object", "product"])
        text = f"{r.choice(['this', 'the same'])} {noun} {r.choice(products.VIEWS[shown_from][0])}"
        caption = self.sentence(r, text, where, 0, None, background is None, 0.0)
        return Task(caption, target, [seen], dict(subjects=[kinds[kind]], background=background))

    def pair(self, r):
        """Two references side by side in one scene."""
        a, b = r.sample(self.shown, 2)
        style = r.randrange(4)
        flip = {a: r.random() < 0.5, b: r.random() < 0.5}
        see = lambda n: Scene([self.figure(r, n, style, x=0.5, y=0.53, scale=r.uniform(0.66, 0.86), flip=flip[n])], **self.view(r, None if r.random() < 0.6 else ("plain", r.randrange(len(COLOUR_NAMES)))))
        background, where = self.background(r)
        target = Scene([self.figure(r, n, style, x=x, y=0.55, scale=0.48, flip=flip[n]) for n, x in ((a, 0.28), (b, 0.72))], **self.view(r, background))
        text = r.choice(["both", "the two", "both subjects", "the first and the second"])
        caption = self.sentence(r, text, where, style, None, background is None, 0.0)
        return Task(caption, target, [see(a), see(b)], dict(subjects=[a, b]))

    def edit(self, r, kind=None):
        """A picture and an instruction; everything that the instruction does not name stays."""
        kind = kind or r.choices(list(self.edits), self.edits.values())[0]
        while True:
            source = self._picture(r)
            if source is None or source.labels["count"] > 2 or len(source.labels["subjects"]) != source.labels["count"]:
                continue
            names = source.labels["subjects"]
            if kind in ("add",) and len(names) != 1 or kind == "remove" and len(names) != 2:
                continue
            if kind in ("finish", "recolour", "style") and source.target.finish is not None:
                continue
            break
        before, after = source.target, copy.deepcopy(source.target)
        nouns = [words.phrases(n)[0] for n in names]
        if kind == "nothing":
            return Task(self.nothing(r, source, nouns), after, [before], dict(edit=kind, changed=None, subjects=names, source=source.caption))
        changed = "all"
        if kind == "background":
            background, where = self.background(r)
            after.background, after.variant, after.crop, after.shade = background, r.randrange(VARIANTS), (r.random(), r.random()), 0.0
            caption = self.put(r, background, where)
            changed = "background"
        elif kind == "recolour":
            i, tint = r.randrange(len(names)), r.randrange(len(TINT_NAMES))
            after.figures[i].tint = tint
            caption = self.coloured(r, nouns[i], TINT_NAMES[tint], len(names) == 1)
            changed = i
        elif kind == "finish":
            after.finish = r.randrange(len(FINISH_NAMES))
            name = r.choice(words.FINISHES[FINISH_NAMES[after.finish]])
            caption = r.choice([f"turn it into {name}", f"make it {name}"])
        elif kind == "style":
            style = r.randrange(4)
            for f, n in zip(after.figures, names):
                f.sprite = self.sprite(n, style)
            caption = f"redraw it in {words.STYLES[STYLE_NAMES[style]][0]}"
        elif kind == "remove":
            i = r.randrange(2)
            caption = f"remove the {nouns[i]}"
            changed = i
            del after.figures[i]
        else:
            name = r.choice(self.named)
            # Beside what is there: where it is not.
            place = 0.18 if before.figures[0].x > 0.45 and r.random() < 0.5 else 0.82 if before.figures[0].x < 0.55 else 0.18
            after.figures.append(self.figure(r, name, source.labels["style"], x=place, y=0.68, scale=0.36))
            caption = f"add {article(words.phrases(name)[0])} on the {'left' if place < 0.5 else 'right'}"
            changed = "added"
        return Task(caption, after, [before], dict(edit=kind, changed=changed, subjects=names, source=source.caption))


    def put(self, r, background, where):
        if background is None:
            return r.choice(["remove the background", "cut it out"])
        return r.choice([f"change the background: {where}", f"put it {where}"] if not where.endswith("background") or where.startswith("on") else [f"change to {where}"])

    def coloured(self, r, noun, colour, alone):
        return r.choice([f"make the {noun} {colour}", f"change the {noun} to {colour}"] + ([f"make it {colour}"] if alone else []))

    def nothing(self, r, source, nouns):
        """What cannot be done or is so already: the right answer is the source, unchanged."""
        scene, labels = source.target, source.labels
        absent = words.phrases(r.choice([n for n in r.sample(self.named, 4) if n not in labels["subjects"]]))[0]
        choices = [f"remove the {absent}", self.coloured(r, absent, r.choice(TINT_NAMES), False)]
        if scene.figures[0].tint is not None:
            choices.append(self.coloured(r, nouns[0], TINT_NAMES[scene.figures[0].tint], len(nouns) == 1))
        if scene.background is None:
            choices += ["remove the background", "cut it out"]
        elif scene.background[0] == "plain":
            choices.append(f"put it on {article(COLOUR_NAMES[scene.background[1]])} background")
        if scene.finish is not None:
            choices.append(f"make it {r.choice(words.FINISHES[FINISH_NAMES[scene.finish]])}")
        else:
            choices.append(f"redraw it in {words.STYLES[STYLE_NAMES[labels['style']]][0]}")
        return r.choice(choices)


def plainly(caption):
    """A caption without what it says of its subjects' style and tint."""
    kept = ", ".join(part for part in caption.split(", ") if part not in STYLES_SAID)
    return TINTED.sub(lambda m: article(m[2]) if m[1] else m[2], kept)


def article(noun):
    if noun.split()[0] in ("two", "three") or noun.endswith("glasses") or noun in ("fries", "jeans", "socks", "scissors", "headphones"):
        return noun
    return f"an {noun}" if noun[0] in "aeio" or noun.startswith(("um", "hour")) else f"a {noun}"
