#!/usr/bin/env python3
"""Makes the two small languages that the class-sized recipes learn in a minute, out of grammars of its own:

    python3 scripts/make_toy_text.py world OUTPUT     text.txt: a closed English about animals, countries, numbers, people
    python3 scripts/make_toy_text.py en-fr OUTPUT     {train,valid,test}.{en,fr}, and test.align: which words translate which

The same bytes every time. The last tenth of text.txt, and valid and test, hold sentences that occur nowhere else. A line of
test.align is "0-1 2-0 ...": the word of the source, from 0, then the word of the target; the full stop counts as one.
"""
import pathlib
import random
import sys

# ---- The closed language: every fact has few words, so that a masked one can be told from the others -----------------
# animal: plural, what it says, what it eats, its young
ANIMALS = {
    "cat": ("cats", "meow", "fish", "kitten"), "dog": ("dogs", "woof", "bones", "puppy"),
    "cow": ("cows", "moo", "grass", "calf"), "sheep": ("sheep", "baa", "clover", "lamb"),
    "duck": ("ducks", "quack", "bread", "duckling"), "pig": ("pigs", "oink", "potatoes", "piglet"),
    "horse": ("horses", "neigh", "oats", "foal"), "frog": ("frogs", "croak", "flies", "tadpole"),
    "hen": ("hens", "cluck", "corn", "chick"), "lion": ("lions", "roar", "meat", "cub"),
    "mouse": ("mice", "squeak", "cheese", "pup"), "owl": ("owls", "hoot", "mice", "owlet"),
}
# country: capital, language
COUNTRIES = {
    "france": ("paris", "french"), "germany": ("berlin", "german"), "italy": ("rome", "italian"),
    "spain": ("madrid", "spanish"), "england": ("london", "english"), "japan": ("tokyo", "japanese"),
    "china": ("beijing", "chinese"), "russia": ("moscow", "russian"), "greece": ("athens", "greek"),
    "poland": ("warsaw", "polish"), "portugal": ("lisbon", "portuguese"), "norway": ("oslo", "norwegian"),
    "sweden": ("stockholm", "swedish"), "turkey": ("ankara", "turkish"), "hungary": ("budapest", "hungarian"),
}
COLOURS = {
    "red": ("blood", "a tomato", "a cherry"), "green": ("grass", "a cucumber", "a leaf"),
    "white": ("snow", "milk", "salt"), "black": ("coal", "the night", "a raven"),
    "yellow": ("the sun", "a lemon", "a banana"), "blue": ("the sky", "the sea", "a sapphire"),
}
OPPOSITES = [("hot", "cold"), ("big", "small"), ("fast", "slow"), ("old", "young"), ("happy", "sad"), ("open", "closed"),
             ("hard", "soft"), ("wet", "dry"), ("full", "empty"), ("rich", "poor"), ("light", "heavy"), ("early", "late")]
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
MONTHS = "january february march april may june july august september october november december".split()
NUMBERS = "zero one two three four five six seven eight nine ten".split()
HIS = ["king", "boy", "man", "brother", "uncle", "father"]
HER = ["queen", "girl", "woman", "sister", "aunt", "mother"]
THEIR = ["kings", "queens", "boys", "girls", "brothers", "sisters"]
DEEDS = [("loses", "lose"), ("finds", "find"), ("loves", "love"), ("forgets", "forget"), ("cleans", "clean")]
THINGS = ["crown", "hat", "book", "coat", "bicycle", "garden", "house", "ring"]
STATES = [("sleeps", "sleep"), ("runs", "run"), ("plays", "play"), ("waits", "wait"), ("drinks", "drink")]
PLACES = ["in the house", "in the garden", "on the farm", "by the river", "under a tree"]


def clause(chance: random.Random) -> str:
    pick = chance.choice
    animal = pick(list(ANIMALS))
    plural, says, eats, young = ANIMALS[animal]
    country = pick(list(COUNTRIES))
    capital, language = COUNTRIES[country]
    colour = pick(list(COLOURS))
    one, other = chance.sample(COLOURS[colour], 2)
    left, right = pick([pair for both in OPPOSITES for pair in (both, both[::-1])])
    cycle = pick([DAYS, MONTHS])
    at = chance.randrange(len(cycle))
    a, b = chance.randrange(1, 6), chance.randrange(1, 6)
    owner, his = pick([(who, "his") for who in HIS] + [(who, "her") for who in HER] + [(who, "their") for who in THEIR])
    deed, state = (pair[his == "their"] for pair in (pick(DEEDS), pick(STATES)))
    singular, several = pick(STATES)
    count = pick(["one", "two", "three", "the"])
    kind = min(chance.randrange(12), 9)
    if kind == 0:
        return pick([f"the {animal} says {says}", f"the {animal} eats {eats}"])
    if kind == 1:
        return f"a young {animal} is called {'an' if young[0] in 'aeiou' else 'a'} {young}"
    if kind == 2:
        return pick([f"the capital of {country} is {capital}", f"{capital} is the capital of {country}"])
    if kind == 3:
        return pick([f"people in {country} speak {language}", f"in {capital} people speak {language}"])
    if kind == 4:
        return pick([f"{one} is {colour}", f"{one} is as {colour} as {other}"])
    if kind == 5:
        return pick([f"the opposite of {left} is {right}", f"what is {left} is not {right}"])
    if kind == 6:
        following = cycle[(at + 1) % len(cycle)]
        return pick([f"after {cycle[at]} comes {following}", f"before {following} comes {cycle[at]}"])
    if kind == 7:
        return pick([f"the {owner} {deed} {his} {pick(THINGS)}", f"the {owner} {state} in {his} {pick(THINGS[-3:-1])}"])
    if kind == 8:
        return f"{count} {plural if count != 'one' else animal} {several if count != 'one' else singular} {pick(PLACES)}"
    # The hardest fact comes thrice as often as others.
    return f"{NUMBERS[a]} plus {NUMBERS[b]} is {NUMBERS[a + b]}"


def sentence(chance: random.Random) -> str:
    return " and ".join(clause(chance) for _ in range(chance.choice([1, 1, 2]))) + "."


def world(output: pathlib.Path, lines: int = 30_000) -> None:
    chance = random.Random("world")
    made = [sentence(chance) for _ in range(lines)]
    known, validation = set(made[:lines * 9 // 10]), []
    while len(validation) < lines // 10:
        new = sentence(chance)
        if new not in known:
            known.add(new)
            validation.append(new)
    (output / "text.txt").write_text("".join(line + "\n" for line in made[:lines * 9 // 10] + validation), encoding="ascii")


# ---- The two languages: gender, number, and another order of words ---------------------------------------------------
# English singular and plural, French singular and plural, feminine?
PEOPLE = [("boy", "boys", "garçon", "garçons", 0), ("king", "kings", "roi", "rois", 0), ("girl", "girls", "fille", "filles", 1),
          ("woman", "women", "femme", "femmes", 1), ("queen", "queens", "reine", "reines", 1)]
BEASTS = [("cat", "cats", "chat", "chats", 0), ("dog", "dogs", "chien", "chiens", 0),
          ("horse", "horses", "cheval", "chevaux", 0), ("mouse", "mice", "souris", "souris", 1),
          ("cow", "cows", "vache", "vaches", 1)]
OBJECTS = [("book", "books", "livre", "livres", 0), ("garden", "gardens", "jardin", "jardins", 0),
           ("boat", "boats", "bateau", "bateaux", 0), ("hat", "hats", "chapeau", "chapeaux", 0),
           ("house", "houses", "maison", "maisons", 1), ("car", "cars", "voiture", "voitures", 1),
           ("flower", "flowers", "fleur", "fleurs", 1), ("table", "tables", "table", "tables", 1),
           ("chair", "chairs", "chaise", "chaises", 1), ("apple", "apples", "pomme", "pommes", 1)]
# English; French masculine, feminine, their plurals
BEFORE = [("small", "petit", "petite", "petits", "petites"), ("big", "grand", "grande", "grands", "grandes"),
          ("old", "vieux", "vieille", "vieux", "vieilles"), ("beautiful", "beau", "belle", "beaux", "belles")]
AFTER = [("red", "rouge", "rouge", "rouges", "rouges"), ("black", "noir", "noire", "noirs", "noires"),
         ("white", "blanc", "blanche", "blancs", "blanches"), ("green", "vert", "verte", "verts", "vertes"),
         ("blue", "bleu", "bleue", "bleus", "bleues"), ("heavy", "lourd", "lourde", "lourds", "lourdes")]
AFTER_PEOPLE = [("happy", "content", "contente", "contents", "contentes"), ("strong", "fort", "forte", "forts", "fortes"),
                ("tired", "fatigué", "fatiguée", "fatigués", "fatiguées"), ("rich", "riche", "riche", "riches", "riches")]
SINGULAR = [("the", "le", "la"), ("a", "un", "une"), ("this", "ce", "cette"), ("my", "mon", "ma")]
PLURAL = [("the", "les"), ("two", "deux"), ("three", "trois"), ("these", "ces"), ("my", "mes")]
# English, French; both as singular, plural, and the English infinitive last
WITH_OBJECT = [("sees", "see", "voit", "voient"), ("finds", "find", "trouve", "trouvent"), ("takes", "take", "prend", "prennent"),
               ("paints", "paint", "peint", "peignent"), ("watches", "watch", "regarde", "regardent"),
               ("carries", "carry", "porte", "portent"), ("knows", "know", "connaît", "connaissent")]
ALONE = [("sleeps", "sleep", "dort", "dorment"), ("sings", "sing", "chante", "chantent"), ("runs", "run", "court", "courent"),
         ("falls", "fall", "tombe", "tombent"), ("dances", "dance", "danse", "dansent")]
WHERE = [("in", "dans"), ("under", "sous"), ("behind", "derrière"), ("with", "avec")]
HOW_OFTEN = [("often", "souvent"), ("always", "toujours"), ("never", "jamais"), ("", ""), ("", ""), ("", ""), ("not", "pas")]


class Pair:
    """The words of both sides, and which belong together."""

    def __init__(self):
        self.english, self.french, self.links = [], [], []

    def add(self, english: list, french: list, links: list) -> None:
        e, f = len(self.english), len(self.french)
        self.english += english
        self.french += french
        self.links += [(e + i, f + j) for i, j in links]


def add_noun_phrase(pair: Pair, chance: random.Random, nouns: list, plural: bool) -> None:
    noun = chance.choice(nouns)
    feminine = noun[4]
    form = 1 + 2 * plural + feminine
    if plural:
        determiner = chance.choice(PLURAL)
        article = determiner[1]
    else:
        determiner = chance.choice(SINGULAR)
        article = determiner[1 + feminine]
    before = [chance.choice(BEFORE)] if chance.random() < 0.3 else []
    after = [chance.choice(AFTER_PEOPLE if noun in PEOPLE else AFTER)] if chance.random() < 0.45 else []
    english = [determiner[0]] + [word[0] for word in before + after] + [noun[plural]]
    if english[0] == "a" and english[1][0] in "aeiou":
        english[0] = "an"
    french = [article] + [word[form] for word in before] + [noun[2 + plural]] + [word[form] for word in after]
    b, a = len(before), len(after)
    links = [(0, 0)] + [(1 + i, 1 + i) for i in range(b)] + [(1 + b + a, 1 + b)] + [(1 + b + i, 2 + b + i) for i in range(a)]
    pair.add(english, french, links)


def add_verb(pair: Pair, verb: tuple, how_often: tuple, plural: bool) -> None:
    word, french_verb = how_often[0], verb[2 + plural]
    if word == "not":
        pair.add(["do" if plural else "does", "not", verb[1]], ["ne", french_verb, "pas"], [(1, 0), (2, 1), (1, 2)])
    elif word == "never":
        pair.add(["never", verb[plural]], ["ne", french_verb, "jamais"], [(0, 0), (1, 1), (0, 2)])
    elif word:
        pair.add([word, verb[plural]], [french_verb, how_often[1]], [(1, 0), (0, 1)])
    else:
        pair.add([verb[plural]], [french_verb], [(0, 0)])


def translation(chance: random.Random) -> tuple:
    pair = Pair()
    plural = chance.random() < 0.4
    add_noun_phrase(pair, chance, PEOPLE + BEASTS, plural)
    how_often = chance.choice(HOW_OFTEN)
    if chance.random() < 0.6:
        add_verb(pair, chance.choice(WITH_OBJECT), how_often, plural)
        add_noun_phrase(pair, chance, PEOPLE + BEASTS + OBJECTS, chance.random() < 0.4)
    else:
        add_verb(pair, chance.choice(ALONE), how_often, plural)
    if chance.random() < 0.4:
        english, french = chance.choice(WHERE)
        pair.add([english], [french], [(0, 0)])
        add_noun_phrase(pair, chance, OBJECTS, chance.random() < 0.3)
    pair.add(["."], ["."], [(0, 0)])
    links = " ".join(f"{e}-{f}" for e, f in sorted(pair.links, key=lambda link: (link[1], link[0])))
    return tuple(" ".join(words).replace(" .", ".") for words in (pair.english, pair.french)) + (links,)


def en_fr(output: pathlib.Path) -> None:
    chance = random.Random("en-fr")
    known, parts = set(), {"valid": 500, "test": 500, "train": 24_000}
    for name, count in parts.items():
        made = []
        while len(made) < count:
            new = translation(chance)
            if new[0] not in known:
                known.add(new[0])
                made.append(new)
        for side, ending in enumerate(("en", "fr", "align")):
            if ending != "align" or name == "test":
                text = "".join(line[side] + "\n" for line in made)
                (output / f"{name}.{ending}").write_text(text, encoding="utf-8")


def main() -> None:
    makers = {"world": world, "en-fr": en_fr}
    if len(sys.argv) != 3 or sys.argv[1] not in makers:
        sys.exit(f"make_toy_text: give a language ({' or '.join(makers)}) and a folder")
    output = pathlib.Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)
    makers[sys.argv[1]](output)


if __name__ == "__main__":
    main()
