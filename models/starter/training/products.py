"""Products and mascots seen from nine sides, drawn from signed distances: an icon has one side only, and a reference that
is to be shown from another needs to have been seen from both.

    python products.py                 draws every one once: products.npy
    python products.py sheet.png       some of them from every side, to look at

A product is one of `KINDS`, eight numbers that say how it is built, and three colours; these are its identity. Distances
to boxes, cylinders and the like are those of https://iquilezles.org/articles/distfunctions.
"""

import colorsys
import multiprocessing as mp
import os
import random
import sys

import numpy as np
import torch

from form import BUILD, SPRITE

SIDE = SPRITE
DRAWN = BUILD / "products.npy"
EACH = 18  # identities of a kind
HIDDEN = 2  # of these, the last ones: never trained on
INK, WHITE = (0.09, 0.09, 0.11), (0.96, 0.96, 0.95)

VIEWS = [  # (what a caption says, degrees to the side, degrees from above)
    (("from the front", "seen from the front"), 0, 12),
    (("turned to the left",), 45, 14),
    (("turned to the right",), -45, 14),
    (("facing left", "from the side, facing left"), 90, 8),
    (("facing right", "from the side, facing right"), -90, 8),
    (("from behind", "seen from behind"), 180, 12),
    (("from above", "seen from above"), 20, 55),
    (("turned to the left, from above",), 45, 36),
    (("turned to the right, from above",), -45, 36),
]


# ----------------------------------------------------------------- distances, of points [P, 3]


def length(*parts):
    return sum(part * part for part in parts).clamp(min=1e-12).sqrt()


def at(p, x=0.0, y=0.0, z=0.0):
    return p - p.new_tensor([x, y, z])


def ball(p, radius):
    return length(*p.unbind(1)) - radius


def egg(p, *radii):
    """Not quite a distance, and near enough for a careful walk."""
    scaled = p / p.new_tensor(radii)
    inner = length(*scaled.unbind(1))
    return inner * (inner - 1) / length(*(scaled / p.new_tensor(radii)).unbind(1))


def block(p, x, y, z, rounded=0.03):
    q = p.abs() - (p.new_tensor([x, y, z]) - rounded)
    return length(*q.clamp(min=0).unbind(1)) + q.amax(1).clamp(max=0) - rounded


def _pair(across, along):
    """Of what is bounded by two distances that stand upright on each other."""
    return torch.maximum(across, along).clamp(max=0) + length(across.clamp(min=0), along.clamp(min=0))


def tube(p, radius, half, rounded=0.02, axis=1):
    others = [i for i in range(3) if i != axis]
    across = length(p[:, others[0]], p[:, others[1]]) - radius + rounded
    return _pair(across, p[:, axis].abs() - half + rounded) - rounded


def cone(p, low, high, half):
    """Radius `low` at the bottom, `high` at the top; its slant makes distances a little too long."""
    radius = low + (high - low) * ((p[:, 1] + half) / (2 * half)).clamp(0, 1)
    slant = 1 / (1 + ((high - low) / (2 * half)) ** 2) ** 0.5
    return _pair((length(p[:, 0], p[:, 2]) - radius) * slant, p[:, 1].abs() - half)


def ring(p, large, small):
    """Around the z axis."""
    return length(length(p[:, 0], p[:, 1]) - large, p[:, 2]) - small


def stick(p, a, b, radius):
    a, b = p.new_tensor(a), p.new_tensor(b)
    along = ((p - a) @ (b - a) / (b - a).dot(b - a)).clamp(0, 1)
    return length(*(p - a - along[:, None] * (b - a)).unbind(1)) - radius


def sideways(p):
    """For what is easier built looking along x."""
    return torch.stack((p[:, 2], p[:, 1], -p[:, 0]), 1)


def mirrored(p, *axes):
    """What is built on one side stands on the other too."""
    return torch.stack([part.abs() if axis in axes else part for axis, part in enumerate(p.unbind(1))], 1)


def without(a, b):
    return torch.maximum(a, -b)


def melted(a, b, width):
    share = (0.5 + 0.5 * (b - a) / width).clamp(0, 1)
    return b + (a - b) * share - width * share * (1 - share)


# -------------------------------------- kinds: (points, numbers in 0..1) to (distance, material)s
# Materials: the three colours of the identity, then ink and white. y is up, the front looks along z.


def bottle(p, n):
    radius, half, neck = 0.22 + 0.14 * n[0], 0.34 + 0.12 * n[1], 0.06 + 0.06 * n[2]
    body = tube(at(p, y=-0.22), radius, half, 0.03 + 0.08 * n[3])
    top = half - 0.22
    body = melted(body, tube(at(p, y=top + 0.12), neck, 0.16, 0.01), 0.06 + 0.14 * n[4])
    cap = tube(at(p, y=top + 0.30), neck + 0.035, 0.05 + 0.07 * n[5], 0.015)
    label = tube(at(p, y=-0.22 + 0.1 * (n[6] - 0.5)), radius + 0.008, 0.10 + 0.14 * n[7], 0.004)
    badge = ball(at(p, y=-0.22, z=radius + 0.006), 0.07)
    return [(body, 0), (cap, 1), (label, 2), (badge, 1)]


def mug(p, n):
    radius, half, height = 0.30 + 0.12 * n[0], 0.30 + 0.18 * n[1], 0.2 * (n[2] - 0.5)
    low = radius * (0.72 + 0.28 * n[3])
    hollow = tube(at(p, y=0.1), low * 0.88, half, 0.01)
    handle = without(ring(at(p, x=(low + radius) / 2, y=0.02), 0.15 + 0.08 * n[4], 0.03 + 0.03 * n[5]), hollow)
    band = torch.maximum(cone(p, low + 0.008, radius + 0.008, half), (p[:, 1] - height).abs() - 0.05 - 0.10 * n[6])
    drink = tube(at(p, y=half - 0.14), low * 0.89, 0.01, 0.004)
    mark = egg(at(p, y=height, z=(low + radius) / 2), 0.08, 0.06 + 0.04 * n[7], 0.05)
    return [(without(cone(p, low, radius, half), hollow), 0), (handle, 1), (without(band, hollow), 2), (drink, 3), (mark, 1)]


def box(p, n):
    x, y, z = 0.28 + 0.18 * n[0], 0.22 + 0.18 * n[1], 0.26 + 0.16 * n[2]
    lid = 0.06 + 0.08 * n[3]
    tape = 0.03 + 0.07 * n[4]
    below = block(at(p, y=-lid), x, y, z, 0.02)
    above = block(at(p, y=y - lid), x + 0.02 + 0.03 * n[5], lid, z + 0.02 + 0.03 * n[5], 0.02)
    across = block(at(p, y=-lid / 2), tape, y + lid / 2 + 0.035, z + 0.03 + 0.03 * n[5], 0.01)
    badge = egg(at(p, x=(x + tape) / 2, y=-y / 3, z=z), 0.05 + 0.05 * n[6], 0.05 + 0.05 * n[7], 0.03)
    return [(below, 0), (above, 1), (across, 2), (badge, 4)]


def lamp(p, n):
    foot, low, high, half = 0.18 + 0.12 * n[0], 0.28 + 0.14 * n[1], 0.12 + 0.14 * n[2], 0.14 + 0.10 * n[3]
    base = tube(at(p, y=-0.56), foot, 0.03 + 0.05 * n[4], 0.02)
    pole = stick(p, (0, -0.56, 0), (0.1 * (n[5] - 0.5), 0.35, 0), 0.025 + 0.03 * n[6])
    shade = cone(at(p, y=0.38), low, high, half)
    shade = without(shade, cone(at(p, y=0.34), low - 0.02, high - 0.02, half))
    knob = ball(at(p, y=-0.30 + 0.3 * n[7]), 0.075)
    return [(base, 0), (pole, 0), (shade, 1), (ball(at(p, y=0.30), 0.10), 4), (knob, 2)]


def shoe(p, n):
    p = sideways(p)
    long, wide, thick = 0.46 + 0.10 * n[0], 0.17 + 0.05 * n[1], 0.05 + 0.06 * n[2]
    sole = block(at(p, y=-0.26), long, thick, wide, min(thick, 0.06))
    toe = egg(at(p, x=long * 0.45, y=-0.18), long * 0.52, 0.16 + 0.08 * n[3], wide * 0.98)
    heel = egg(at(p, x=-long * 0.45, y=-0.05), long * 0.5, 0.24 + 0.16 * n[4], wide * 0.98)
    upper = torch.maximum(melted(toe, heel, 0.22), -(p[:, 1] + 0.26))
    upper = without(upper, egg(at(p, x=-long * 0.5, y=0.22 + 0.16 * n[4]), long * 0.34, 0.16, wide * 0.7))
    lace = lambda x, y: stick(p, (x, y, -wide * 0.6), (x, y, wide * 0.6), 0.025)
    rise = 0.06 + 0.06 * n[5]
    laces = torch.minimum(lace(0.0, rise), torch.minimum(lace(0.09, rise - 0.06), lace(-0.09, rise + 0.06)))
    stripe = torch.maximum(upper - 0.012, (p[:, 0] + long * 0.2 + 0.2 * (n[6] - 0.5) + 0.35 * p[:, 1]).abs() - 0.03 - 0.04 * n[7])
    return [(upper, 0), (sole, 2), (laces, 4), (stripe, 1)]


def toy_car(p, n):
    p = sideways(p)
    long, high, wide, wheel = 0.46 + 0.10 * n[0], 0.11 + 0.06 * n[1], 0.20 + 0.06 * n[2], 0.11 + 0.05 * n[3]
    body = block(at(p, y=-0.12), long, high, wide, 0.05 + 0.05 * n[4])
    cabin = block(at(p, x=-0.12 * n[5], y=high + 0.02), 0.22 + 0.08 * n[6], 0.14 + 0.05 * n[7], wide * 0.86, 0.06)
    axle = at(mirrored(p, 0, 2), x=long * 0.58, y=-0.12 - high, z=wide)
    lights = ball(at(mirrored(p, 2), x=long, y=-0.10, z=wide * 0.6), 0.05)
    window = torch.maximum(cabin - 0.008, (p[:, 1] - high - 0.05).abs() - 0.06)
    wheels = [(tube(axle, wheel, 0.06, 0.02, axis=2), 3), (tube(axle, wheel * 0.5, 0.075, 0.01, axis=2), 2)]
    return [(body, 0), (cabin, 1), (window, 3), (lights, 4), *wheels]


def robot(p, n):
    wide, head = 0.20 + 0.10 * n[0], 0.15 + 0.08 * n[1]
    both = mirrored(p, 0)
    body = block(at(p, y=-0.14), wide, 0.18 + 0.06 * n[2], 0.15 + 0.05 * n[3], 0.03 + 0.08 * n[4])
    skull = block(at(p, y=0.26), head * 1.2, head, head, 0.03 + 0.08 * n[5])
    eyes = ball(at(both, x=head * 0.55, y=0.29, z=head), 0.055)
    pupils = ball(at(both, x=head * 0.55, y=0.29, z=head + 0.045), 0.025)
    antenna = torch.minimum(stick(p, (0, 0.26, 0), (0, 0.36 + head, 0), 0.018), ball(at(p, y=0.38 + head), 0.05))
    arms = stick(both, (wide, -0.04, 0), (wide + 0.14, -0.22 + 0.34 * n[6], 0.05), 0.05)
    feet = block(at(both, x=wide * 0.55, y=-0.55, z=0.04), 0.09, 0.04, 0.13)
    legs = torch.minimum(stick(both, (wide * 0.55, -0.3, 0), (wide * 0.55, -0.52, 0), 0.06), feet)
    panel = block(at(p, y=-0.12, z=0.15 + 0.05 * n[3]), wide * 0.5, 0.07 + 0.05 * n[7], 0.015, 0.01)
    return [(body, 0), (skull, 0), (eyes, 4), (pupils, 3), (antenna, 2), (arms, 1), (legs, 1), (panel, 2)]


KINDS = {"bottle": bottle, "mug": mug, "box": box, "lamp": lamp, "shoe": shoe, "toy car": toy_car, "robot": robot}


# ---------------------------------------------------------------------------------- drawing


def identity(kind, number):
    """(eight numbers, three colours) of a product: the same every time."""
    r = random.Random(f"{kind} {number}")
    hue, colours = r.random(), []
    for lightness in (r.uniform(0.45, 0.65), r.uniform(0.3, 0.75), r.uniform(0.6, 0.85)):
        colours.append(colorsys.hls_to_rgb(hue, lightness, r.uniform(0.25, 0.9)))
        hue = (hue + r.choice((0.08, 0.33, 0.5, 0.67))) % 1
    return [r.random() for _ in range(8)], colours


def walked(distance, start, ray, reach=2.6, steps=60):
    """How far each ray [P, 3] goes from `start` until it meets something; infinity where it does not."""
    gone = torch.full((len(ray),), 0.0)
    met = torch.zeros(len(ray), dtype=torch.bool)
    walking = torch.arange(len(ray))
    for _ in range(steps):
        step = distance(start[walking] + gone[walking, None] * ray[walking])
        here = step < 0.002
        met[walking[here]] = True
        gone[walking] += torch.where(here, torch.zeros_like(step), 0.9 * step)
        walking = walking[~here & (gone[walking] < reach)]
        if not len(walking):
            break
    met[walking] = False
    return torch.where(met, gone, torch.inf)


def render(kind, numbers, colours, side_on, above, side=SIDE):
    """One picture, uint8 [side, side, 4] premultiplied: lit from above on the left, with a little shine."""
    build, fine = KINDS[kind], 2 * side
    materials = torch.tensor([*colours, INK, WHITE])
    distances = lambda p: torch.stack([d for d, _ in build(p, numbers)])
    nearest = lambda p: distances(p).amin(0)
    yaw, pitch = np.radians(side_on), np.radians(above)
    # The product turns; who looks stays. Lines of sight are parallel.
    ahead = torch.tensor([-np.sin(yaw) * np.cos(pitch), -np.sin(pitch), -np.cos(yaw) * np.cos(pitch)], dtype=torch.float32)
    right = torch.tensor([np.cos(yaw), 0.0, -np.sin(yaw)], dtype=torch.float32)
    up = torch.linalg.cross(right, ahead)
    line = (torch.arange(fine) + 0.5) / fine * 1.4 - 0.7
    start = (line[None, :, None] * right - line[:, None, None] * up).reshape(-1, 3) - 1.3 * ahead
    gone = walked(nearest, start, ahead.expand(len(start), 3))
    hit = gone.isfinite().nonzero()[:, 0]
    p = start[hit] + gone[hit, None] * ahead
    material = torch.tensor([m for _, m in build(p[:1], numbers)])[distances(p).argmin(0)]
    corners = torch.tensor([[1.0, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]])
    normal = sum(c * nearest(p + 0.003 * c)[:, None] for c in corners)
    normal = normal / normal.norm(dim=1, keepdim=True).clamp(min=1e-6)
    light = -0.45 * right + 0.75 * up - 0.6 * ahead
    light = light / light.norm()
    halfway = (light - ahead) / (light - ahead).norm()
    shade = 0.50 + 0.12 * (normal @ up) + 0.48 * (normal @ light).clamp(min=0)
    shine = 0.25 * (normal @ halfway).clamp(min=0) ** 24
    out = torch.zeros(fine * fine, 4)
    out[hit, :3] = (materials[material] * shade[:, None] + shine[:, None]).clamp(0, 1)
    out[hit, 3] = 1
    out = out.view(side, 2, side, 2, 4).mean((1, 3))
    return (out * 255).round().byte().numpy()


def drawn(which):
    torch.set_num_threads(1)
    kind, number = which
    with torch.no_grad():
        return np.stack([render(kind, *identity(kind, number), *view[1:]) for view in VIEWS])


def load():
    """uint8 [identities, views, SIDE, SIDE, 4], premultiplied: EACH of the first kind, EACH of the second, ..."""
    return np.load(DRAWN, mmap_mode="r")


def main():
    if sys.argv[1:]:
        from sheet import sheet

        rows = [([p.transpose(2, 0, 1) / 255 for p in drawn((kind, i))], f"{kind} {i}") for kind in KINDS for i in range(2)]
        return sheet(rows, sys.argv[1], 2, 1)
    with mp.get_context("spawn").Pool(os.cpu_count()) as pool:
        products = np.stack(pool.map(drawn, [(kind, number) for kind in KINDS for number in range(EACH)], chunksize=1))
    np.save(DRAWN, products)
    print(f"{len(products)} products from {len(VIEWS)} sides")


if __name__ == "__main__":
    main()
