"""What the starter knows, as data: the words of its captions and what each stands for.

`SUBJECTS` are the names it is taught (the full form: all but those held out); every other sprite of the atlas is seen
only as a reference, and those of `held_out()` never in training at all. Phrases are what a person would type; the first is the one that the
model card and the interface show.
"""

import atlas
from form import FORM

# Names that draw well at 128 pixels and mean one thing, in the order in which the small form is taught them: `form.names`
# of them, since 254 in an afternoon on two cores gave each its colours and no shape. Last come those that look most like
# another. Those not taught yet are seen as references only. The icon's own name is the phrase unless given below.
NAMES = """
fox cat-face dog-face panda rabbit-face bear lion penguin owl octopus spouting-whale crab turtle frog butterfly honeybee
elephant giraffe zebra pig-face duck flamingo snail tropical-fish unicorn dragon t-rex strawberry red-apple banana
watermelon carrot avocado pizza hamburger croissant doughnut cupcake soft-ice-cream hot-beverage teapot guitar camera
backpack umbrella crown gem-stone light-bulb balloon wrapped-gift soccer-ball teddy-bear alarm-clock automobile
fire-engine bicycle rocket airplane sailboat house cactus mushroom sunflower evergreen-tree bat bird blowfish camel
chicken cow crocodile dolphin dove eagle fish goose hedgehog hippopotamus horse-face jellyfish kangaroo koala
lady-beetle lizard lobster maple-leaf monkey-face mouse-face palm-tree parrot peacock potted-plant rooster rose shark
ewe snake swan tiger-face tulip wolf hatching-chick cherry-blossom four-leaf-clover bacon bell-pepper broccoli
birthday-cake cheese-wedge cherries cookie egg eggplant french-fries garlic grapes honey-pot hot-dog hot-pepper
ice-cream lemon lollipop mango peach pear pineapple pretzel sandwich sushi taco tomato tropical-drink wine-glass
beer-mug bubble-tea bowling christmas-tree crystal-ball jack-o-lantern kite magic-wand trophy boxing-glove ice-skate axe
bell bomb books candle chair dress glasses hammer handbag headphone high-heeled-shoe jeans key laptop lipstick locked
magnet microphone microscope mobile-phone necktie old-key open-book package paintbrush pencil ring running-shoe scissors
socks sunglasses t-shirt telescope television toothbrush top-hat trumpet wrench anchor bus church cloud delivery-truck
ferris-wheel fire flying-saucer helicopter hourglass-done locomotive motorcycle police-car rainbow ringed-planet
snowflake snowman star sun tent tractor volcano crescent-moon badger beaver deer goat gorilla hamster lotus otter
polar-bear raccoon rhinoceros scorpion seal shrimp sloth spider squid turkey bread coconut kiwi-fruit melon pancakes pie
popcorn artist-palette baseball basketball bullseye game-die video-game yarn accordion clutch-bag drum mirror printer
radio shield toolbox violin ambulance castle hot-springs motor-scooter school taxi watch
""".split()

PHRASES = {
    "automobile": ["car", "automobile"],
    "honeybee": ["bee", "honeybee"],
    "ewe": ["sheep"],
    "bell-pepper": ["bell pepper"],
    "blowfish": ["blowfish", "puffer fish"],
    "bowling": ["bowling pins", "bowling"],
    "bullseye": ["target", "bullseye"],
    "cat-face": ["cat", "kitten"],
    "cheese-wedge": ["cheese"],
    "clutch-bag": ["clutch bag", "pouch"],
    "cow": ["cow"],
    "crescent-moon": ["moon", "crescent moon"],
    "delivery-truck": ["truck", "delivery truck"],
    "dog-face": ["dog", "puppy"],
    "doughnut": ["donut", "doughnut"],
    "evergreen-tree": ["pine tree", "evergreen tree"],
    "fire-engine": ["fire engine", "fire truck"],
    "flying-saucer": ["ufo", "flying saucer"],
    "french-fries": ["fries", "french fries"],
    "game-die": ["die", "dice"],
    "gem-stone": ["diamond", "gem"],
    "hatching-chick": ["hatching chick", "chick"],
    "headphone": ["headphones"],
    "hippopotamus": ["hippo", "hippopotamus"],
    "honey-pot": ["honey pot", "pot of honey"],
    "horse-face": ["horse", "pony"],
    "hot-beverage": ["mug", "coffee cup", "cup of coffee", "coffee mug"],
    "hot-pepper": ["chili pepper", "hot pepper"],
    "hot-springs": ["hot spring"],
    "hourglass-done": ["hourglass"],
    "jack-o-lantern": ["pumpkin", "halloween pumpkin"],
    "kiwi-fruit": ["kiwi"],
    "lady-beetle": ["ladybug", "ladybird"],
    "locked": ["padlock", "lock"],
    "locomotive": ["steam train", "train"],
    "mobile-phone": ["phone", "smartphone"],
    "monkey-face": ["monkey"],
    "motor-scooter": ["scooter"],
    "mouse-face": ["mouse"],
    "necktie": ["tie", "necktie"],
    "old-key": ["old key"],
    "package": ["box", "parcel"],
    "panda": ["panda", "panda bear"],
    "pig-face": ["pig"],
    "rabbit-face": ["rabbit", "bunny"],
    "red-apple": ["apple"],
    "rhinoceros": ["rhino", "rhinoceros"],
    "ringed-planet": ["planet", "saturn"],
    "running-shoe": ["sneaker", "running shoe"],
    "soccer-ball": ["football", "soccer ball"],
    "soft-ice-cream": ["soft ice cream"],
    "spouting-whale": ["whale"],
    "t-rex": ["dinosaur", "t-rex"],
    "television": ["tv", "television"],
    "tiger-face": ["tiger"],
    "tropical-drink": ["cocktail", "tropical drink"],
    "wrapped-gift": ["gift", "present"],
    "high-heeled-shoe": ["high heel"],
    "four-leaf-clover": ["clover", "four leaf clover"],
    "light-bulb": ["light bulb", "lamp"],
    "maple-leaf": ["maple leaf", "leaf"],
}

STYLES = {  # the four drawing styles, in the atlas's order
    "cartoon": ["cartoon style", "cartoon"],
    "3d": ["3d style", "3d", "glossy 3d"],
    "flat": ["flat style", "flat", "flat design"],
    "minimal": ["minimal style", "minimal", "simple icon"],
}

FINISHES = {  # how the whole picture is made
    "paper cut": ["paper cut", "paper cut style", "cut paper"],
    "pixel art": ["pixel art", "pixel art style", "pixelated"],
    "pencil": ["pencil drawing", "pencil sketch", "drawn in pencil"],
    "neon": ["neon", "neon sign", "neon glow"],
    "watercolour": ["watercolour", "watercolor", "watercolour painting"],
    "outline": ["bold outline", "outlined", "thick outline"],
}

TINTS = {
    "red": (0.86, 0.16, 0.16),
    "orange": (0.96, 0.52, 0.10),
    "yellow": (0.97, 0.82, 0.15),
    "green": (0.22, 0.65, 0.27),
    "blue": (0.16, 0.42, 0.86),
    "purple": (0.53, 0.25, 0.75),
    "pink": (0.96, 0.48, 0.67),
    "grey": (0.52, 0.52, 0.52),
}

COLOURS = {  # plain backgrounds and gradients
    **TINTS,
    "white": (0.98, 0.98, 0.98),
    "black": (0.07, 0.07, 0.08),
    "teal": (0.12, 0.60, 0.60),
    "brown": (0.47, 0.32, 0.20),
}

# Scenes, drawn in `backgrounds.py`. Each phrase completes "a fox …".
SCENES = {
    "beach": ["on a beach", "at the beach", "on a sandy beach"],
    "snowy beach": ["on a snowy beach", "on a beach in the snow"],
    "forest": ["in a forest", "in the woods"],
    "snowy forest": ["in a snowy forest", "in a winter forest"],
    "snow": ["in the snow", "on a snowy field"],
    "desert": ["in the desert", "in a desert"],
    "meadow": ["in a meadow", "on the grass", "in a field"],
    "mountains": ["in the mountains", "in front of mountains"],
    "city at night": ["in a city at night", "in the city at night"],
    "sunset": ["at sunset", "by the sea at sunset"],
    "underwater": ["underwater", "under the sea"],
    "space": ["in space", "among the stars"],
    "table": ["on a table", "on a wooden table"],
    "brick wall": ["in front of a brick wall", "against a brick wall"],
    "polka dots": ["on polka dots", "on a polka dot pattern"],
    "stripes": ["on stripes", "on a striped pattern"],
    "studio": ["in a studio", "in a photo studio"],
}
TRANSPARENT = ["transparent background", "on a transparent background", "sticker", "cut out"]

NUMBERS = {2: "two", 3: "three"}


def phrases(icon):
    return PHRASES.get(icon, [icon.replace("-", " ")])


def plural(phrase):
    if phrase in ("sheep", "fish", "jeans", "glasses", "sunglasses", "headphones", "socks", "books", "fries", "cherries", "grapes", "scissors", "bowling pins", "dice", "sushi", "bacon", "pancakes", "popcorn"):
        return phrase
    if phrase.endswith("mouse"):
        return phrase[:-5] + "mice"
    if phrase.endswith(("s", "x", "ch", "sh")):
        return phrase + "es"
    if phrase.endswith("y") and phrase[-2] not in "aeiou":
        return phrase[:-1] + "ies"
    if phrase.endswith(("wolf", "leaf")):
        return phrase[:-1] + "ves"
    return phrase + "s"


def held_out(names):
    """A hundred sprites that training never sees, for judging references: every fifth that has no name above."""
    rest = [n for n in names if n not in NAMES and not alike(n)]
    return rest[3::5][:100]


def alike(icon):
    """Whether there are many of it that differ in little: clocks, faces of animals that are there whole, the moon."""
    return icon.endswith(("thirty", "oclock", "-face", "-moon"))


def subjects():
    """The names that are taught."""
    if FORM.names is not None:
        return NAMES[: FORM.names]
    names = atlas.names()
    hidden = set(held_out(names))
    return [n for n in names if n in PHRASES or not (n in hidden or alike(n))]


SUBJECTS = subjects()
