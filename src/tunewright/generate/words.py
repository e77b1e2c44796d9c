"""A small lexicon for item models: people with their pronouns, places, and verbs with all their forms.

Names and settings come from many countries. Regular verb forms are made by rule, irregular ones are listed;
`inflect` turns a verb phrase such as "play tennis" into "played tennis".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VerbForm = Literal["base", "third", "past", "part", "ing"]


@dataclass(frozen=True, slots=True)
class Person:
    """A given name with its pronouns."""

    name: str
    he: str
    him: str
    his: str
    himself: str


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb and its forms: go, goes, went, gone, going."""

    base: str
    third: str
    past: str
    part: str
    ing: str


def _words(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


def _phrases(listed: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in listed.split("|"))


_SHE = _words(
    """Amara Aisha Anika Ana Beatriz Camila Chiara Elif Emma Fatima Freya Grace Hana Ines Ingrid
Jana Keiko Laila Leila Lucia Mei Meera Nadia Naomi Noor Olga Priya Rosa Sara Sofia Thandi Valentina Wanjiru
Yara Yuki Zainab"""
)
_HE = _words(
    """Adam Ahmed Andrei Arjun Carlos Chidi Daniel Diego Emeka Erik Farid Felix Hassan Hugo Ivan
Jamal Jin Jonas Karim Kofi Kwame Leo Luca Marek Mateo Minh Omar Pavel Rafael Ravi Samir Stefan Tariq Tomas
Viktor Wei Yusuf"""
)

PEOPLE: tuple[Person, ...] = tuple(
    [Person(name, "she", "her", "her", "herself") for name in _SHE]
    + [Person(name, "he", "him", "his", "himself") for name in _HE]
)
SURNAMES: tuple[str, ...] = _words(
    """Adeyemi Ahmadi Andersen Bianchi Chen Costa Das Diallo Eriksen Fernandes Garcia Haddad Ito Jansen Kaya
    Khan Kim Kowalski Lindberg Mbeki Mensah Moreau Morris Nguyen Novak Okafor Oliveira Osei Patel Petrova
    Popescu Rahman Rossi Sato Schmidt Silva Singh Tanaka Walker Yilmaz"""
)
CITIES: tuple[str, ...] = _phrases(
    """Accra|Amman|Athens|Auckland|Bangkok|Bogotá|Bristol|Cape Town|Chicago|Copenhagen|Dakar|Dublin|Glasgow
    |Hanoi|Helsinki|Istanbul|Kraków|Kuala Lumpur|Lagos|Lima|Lisbon|Madrid|Marseille|Melbourne|Montreal|Mumbai
    |Nairobi|Osaka|Oslo|Prague|Quito|Riga|Rome|Santiago|Seoul|Toronto|Tunis|Vienna|Warsaw"""
)
COUNTRIES: tuple[str, ...] = _phrases(
    """Argentina|Australia|Brazil|Canada|Chile|Colombia|Egypt|Finland|Ghana|Greece|India|Ireland|Italy|Japan
    |Jordan|Kenya|Malaysia|Mexico|Morocco|Nigeria|Norway|Peru|Poland|Portugal|Senegal|Spain|Sweden|Thailand
    |Tunisia|Turkey|Vietnam"""
)
DAYS: tuple[str, ...] = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: tuple[str, ...] = _words(
    "January February March April May June July August September October November December"
)

_IRREGULAR = """
be was been; become became become; begin began begun; bite bit bitten; blow blew blown; break broke broken;
bring brought brought; build built built; buy bought bought; catch caught caught; choose chose chosen;
come came come; cost cost cost; cut cut cut; deal dealt dealt; do did done; draw drew drawn;
drink drank drunk;
drive drove driven; eat ate eaten; fall fell fallen; feed fed fed; feel felt felt; fight fought fought;
find found found; fly flew flown; forget forgot forgotten; forgive forgave forgiven; get got got;
give gave given; go went gone; grow grew grown; hang hung hung; have had had; hear heard heard;
hide hid hidden;
hit hit hit; hold held held; hurt hurt hurt; keep kept kept; know knew known; lead led led; leave left left;
lend lent lent; let let let; lie lay lain; lose lost lost; make made made; mean meant meant; meet met met;
pay paid paid; put put put; read read read; rebuild rebuilt rebuilt; ride rode ridden; ring rang rung;
rise rose risen; run ran run; say said said; see saw seen; sell sold sold; send sent sent; set set set;
shake shook shaken; shine shone shone; shoot shot shot; show showed shown; shut shut shut; sing sang sung;
sink sank sunk; sit sat sat; sleep slept slept; speak spoke spoken; spend spent spent; stand stood stood;
steal stole stolen; stick stuck stuck; swim swam swum; take took taken; teach taught taught; tear tore torn;
tell told told; think thought thought; throw threw thrown; understand understood understood; wake woke woken;
wear wore worn; win won won; write wrote written"""

_PARTS: dict[str, tuple[str, str]] = {
    base: (past, part) for base, past, part in (entry.split() for entry in _IRREGULAR.split(";"))
}
# Verbs of more than one syllable that double their last consonant; "visit", "open" and "offer" do not.
_DOUBLING = frozenset(_words("begin forget prefer refer permit admit control travel cancel regret"))
_VOWELS = "aeiou"
# Beginnings whose first sound is not the one their letter suggests.
_VOWEL_SOUND = ("hour", "honest", "honour", "heir", "mba", "mp3", "x-ray")
_CONSONANT_SOUND = ("uni", "use", "usual", "utensil", "eu", "one", "once", "ukr", "u-turn")


def verb(base: str) -> Verb:
    """The verb with this base form; regular unless it is in the irregular list."""
    past, part = _PARTS.get(base, (_regular_past(base), _regular_past(base)))
    return Verb(base, _third(base), past, part, _ing(base))


def inflect(phrase: str, form: VerbForm) -> str:
    """The verb phrase with its first word in `form`: inflect("go home", "past") gives "went home"."""
    first, space, rest = phrase.partition(" ")
    return str(getattr(verb(first), form)) + space + rest


def article(phrase: str) -> str:
    """Gives "a" or "an" for the phrase, by sound rather than by letter: an hour, a university, a European."""
    word = phrase.lower().lstrip("\"'“‘")
    if word.startswith(_VOWEL_SOUND):
        return "an"
    if word.startswith(_CONSONANT_SOUND) and not word.startswith(("unim", "unin", "unu", "unid")):
        return "a"
    return "an" if word[:1] in _VOWELS else "a"


def _doubles(base: str) -> bool:
    if base in _DOUBLING:
        return True
    num_vowel_groups = sum(
        1 for i, c in enumerate(base) if c in _VOWELS and (i == 0 or base[i - 1] not in _VOWELS)
    )
    ends_cvc = len(base) > 2 and base[-1] not in "aeiouwxy" and base[-2] in _VOWELS
    return ends_cvc and base[-3] not in _VOWELS and num_vowel_groups == 1


def _third(base: str) -> str:
    if base in ("be", "have"):
        return {"be": "is", "have": "has"}[base]
    if base.endswith(("s", "sh", "ch", "x", "z", "o")):
        return base + "es"
    if base.endswith("y") and base[-2] not in _VOWELS:
        return base[:-1] + "ies"
    return base + "s"


def _regular_past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in _VOWELS:
        return base[:-1] + "ied"
    return base + (base[-1] if _doubles(base) else "") + "ed"


def _ing(base: str) -> str:
    if base == "be":
        return "being"
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e") and not base.endswith("ee"):
        return base[:-1] + "ing"
    return base + (base[-1] if _doubles(base) else "") + "ing"
