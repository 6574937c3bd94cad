"""What the starter knows, as data: the words of its captions and what each stands for.

`SUBJECTS` are the names it is taught; every other sprite of the atlas is seen only as a reference, and those of
`HELD_OUT` never in training at all. Phrases are what a person would type; the first is the one that the model card and
the interface show.
"""

# Names that mean one thing that is drawn alike in all four styles. Those of version 0.8.0 come first (206), in its order.
# Other sprites are seen as references only. The icon's own name is the phrase unless given below.
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
radio shield toolbox violin ambulance castle hot-springs motor-scooter school taxi watch alien american-football
baby-bottle basket battery boomerang bouquet briefcase broom bucket burrito chess-pawn chocolate-bar clipboard coin
compass coral crayon deciduous-tree desktop-computer donkey door dumpling ear-of-corn envelope ghost glass-of-milk
globe-showing-americas graduation-cap green-salad hibiscus hiking-boot ladder leopard llama megaphone military-medal
moose nesting-dolls onion orangutan parachute potato puzzle-piece racing-car red-heart robot roller-skate saxophone
screwdriver skateboard skull skunk sled speedboat spoon stopwatch syringe tennis train water-wave wheel worm dodo
factory flashlight fountain joystick kick-scooter pill satellite telephone waffle
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
    "locomotive": ["steam train", "locomotive"],
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
    "american-football": ["american football", "rugby ball"],
    "chess-pawn": ["chess pawn", "pawn"],
    "chocolate-bar": ["chocolate bar", "chocolate"],
    "deciduous-tree": ["tree"],
    "desktop-computer": ["computer", "desktop computer"],
    "ear-of-corn": ["corn", "ear of corn"],
    "glass-of-milk": ["glass of milk"],
    "globe-showing-americas": ["globe", "earth"],
    "graduation-cap": ["graduation cap"],
    "green-salad": ["salad"],
    "hiking-boot": ["boot", "hiking boot"],
    "kick-scooter": ["kick scooter"],
    "military-medal": ["medal"],
    "nesting-dolls": ["nesting doll", "russian doll"],
    "racing-car": ["racing car", "race car"],
    "red-heart": ["heart"],
    "tennis": ["tennis racket"],
    "water-wave": ["wave"],
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
    if " of " in phrase:
        thing, what = phrase.split(" of ", 1)
        return f"{plural(thing)} of {what}"
    if phrase.endswith("mouse"):
        return phrase[:-5] + "mice"
    if phrase.endswith(("s", "x", "ch", "sh")):
        return phrase + "es"
    if phrase.endswith("y") and phrase[-2] not in "aeiou":
        return phrase[:-1] + "ies"
    if phrase.endswith(("wolf", "leaf")):
        return phrase[:-1] + "ves"
    return phrase + "s"


# A hundred sprites that training never sees, for judging references. They are those of version 0.8.0, whose weights
# training begins with, so the list is written down.
HELD_OUT = """
abacus airplane-departure articulated-lorry bagel banjo bathtub beetle bikini blossom bookmark-tabs bowl-with-spoon
broken-chain bug butter canned-food carousel-horse chart-decreasing chipmunk cityscape clinking-beer-mugs
closed-mailbox-with-raised-flag cloud-with-snow coffin computer-mouse cooked-rice credit-card cucumber cut-of-meat
department-store diamond-suit dog droplet electric-plug euro-banknote feather film-frames fish-cake-with-swirl
flatbread flying-disc fork-and-knife framed-picture gear globe-showing-europe-africa goggles guide-dog headstone
high-voltage horse houses identification-card japanese-post-office keyboard lab-coat leafy-green lime locked-with-pen
low-battery mammoth maracas memo milky-way money-bag moon-viewing-ceremony motorized-wheelchair mountain-railway
musical-note nazar-amulet notebook oil-drum oncoming-taxi open-mailbox-with-raised-flag ox paperclip pea-pod pick
pine-decoration police-car-light postbox pouring-liquid rabbit rat reminder-ribbon ring-buoy roller-coaster
running-shirt sari scarf service-dog sheaf-of-rice shopping-cart skis snow-capped-mountain spaghetti
speaker-medium-volume spiral-shell stadium stop-sign sun-behind-cloud sunrise-over-mountains takeout-box
""".split()

SUBJECTS = NAMES
