"""Questions for the tests: random ones with hard texts, and one of each kind written out."""

from __future__ import annotations

from hypothesis import strategies as st

from tunewright.bank.check import FORBIDDEN, fault_of
from tunewright.bank.question import Gap, Option, Question

HARD = [
    "a ~ b = c # {d} : e \\ f",
    "Tom & Jerry <b>bold</b> &amp; &#65; &nbsp;",
    "]]> <![CDATA[ <!-- --> <?pi?>",
    "מה השעה? שלום, world",
    "ما اسمك؟ 123",
    "日本語 😀👩‍👩‍👧 e\u0301 \u200f\u202e",
    "if $x<2$ then \\(\\frac{1}{2}\\) and \\neq",
    "  two leading, two trailing  ",
    "line one\nline two\n\n  indented\n",
    "\n",
    "tab\there  double",
    "%50%half [html]x [tag:y] // z",
    "::title:: ####feedback -> arrow",
    "{1:SHORTANSWER:=x} {1:MC:=a~b}",
    "*star* a/b 'q' \"dq\" ____ _____",
    "A. like an option",
    "ANSWER: B",
    "\u00a0nbsp\u00a0 \u2028 \u0085 \u3000",
    "=SUM(A1) +1 -1 @x",
    "\\n \\\\n \\",
    "C:\\new {\\}",
    "null",
    "two  spaces",
    '</div><div class="passage">',
]

_characters = st.characters(exclude_categories=["Cs"]).filter(lambda c: not FORBIDDEN.search(c))
texts = st.one_of(
    st.sampled_from(HARD),
    st.text(_characters, max_size=40),
    st.lists(st.sampled_from([*"~=#{}:\\&<>*/%[]\"' \n\t_-$A.1n", "->", "א", "]]>"]), max_size=20).map(
        "".join
    ),
)
lines = texts.map(lambda text: text.replace("\n", " ").strip())
full_lines = lines.filter(bool)
metas = st.dictionaries(st.sampled_from(["skill", "level", "task", "topic"]), full_lines, max_size=3)


def options(number_right: st.SearchStrategy[int], feedback: st.SearchStrategy[str] = texts):
    @st.composite
    def draw(draw: st.DrawFn) -> tuple[Option, ...]:
        shown = draw(
            st.lists(texts.filter(str.strip), min_size=2, max_size=5, unique_by=lambda t: " ".join(t.split()))
        )
        right = min(draw(number_right), len(shown))
        keys = draw(st.permutations(range(len(shown))))[:right]
        return tuple(
            Option(chr(65 + place), text, place in keys, draw(feedback)) for place, text in enumerate(shown)
        )

    return draw()


_common = {
    "id": full_lines,
    "instruction": texts,
    "passage": texts,
    "prompt": texts.filter(str.strip),
    "explanation": texts,
    "meta": metas,
}
_answers = st.lists(full_lines, min_size=1, max_size=3, unique=True).map(tuple)
_line_options = options(st.just(1), st.just("")).map(
    lambda found: tuple(Option(o.id, " ".join(o.text.split()), o.correct) for o in found)
)
_gaps = st.one_of(_answers.map(lambda a: Gap(answers=a)), _line_options.map(lambda o: Gap(options=o)))


@st.composite
def _clozes(draw: st.DrawFn) -> Question:
    gaps = tuple(draw(st.lists(_gaps, min_size=1, max_size=3)))
    pieces = tuple(draw(texts) for _ in range(len(gaps) + 1))
    fields = {name: draw(strategy) for name, strategy in _common.items()}
    return Question(kind="cloze", pieces=pieces, gaps=gaps, **fields)


_choices = st.builds(
    Question, kind=st.just("choice"), options=options(st.just(1)), shuffle=st.booleans(), **_common
)
_multiple = st.builds(
    Question,
    kind=st.just("multiple_response"),
    options=options(st.integers(1, 4)),
    shuffle=st.booleans(),
    **_common,
)
_short = st.builds(Question, kind=st.just("short_answer"), answers=_answers, **_common)
_essays = st.builds(
    Question,
    kind=st.just("essay"),
    answers=st.lists(texts.filter(str.strip), max_size=2, unique=True).map(tuple),
    **_common,
)
questions = st.one_of(_choices, _multiple, _clozes(), _short, _essays).filter(lambda q: not fault_of(q))
banks = st.lists(questions, min_size=1, max_size=3, unique_by=lambda question: question.id)

NOTICE = Question(
    id="q-1",
    kind="choice",
    instruction="Read the notice & choose.",
    passage="POOL <open>\n  7:00 – 9:00 {daily}",
    prompt="When can you swim?",
    options=(
        Option("A", "at 8:00", correct=True),
        Option("B", "at 10 = noon~", correct=False, feedback="# reads \\ the wrong line"),
    ),
    explanation="The pool is open from 7 to 9.",
    shuffle=True,
    meta={"skill": "reading", "level": "A2"},
)
VERBS = Question(
    id="q-2",
    kind="multiple_response",
    prompt="Which are verbs?",
    options=(
        Option("A", "go", correct=True),
        Option("B", "cat", correct=False),
        Option("C", "see", correct=True),
    ),
)
CLOZE = Question(
    id="q-3",
    kind="cloze",
    pieces=("I ", " tea & he ", " milk.\n"),
    gaps=(
        Gap(answers=("like", "love")),
        Gap(options=(Option("A", "drinks", correct=True), Option("B", "drink", correct=False))),
    ),
)
SPELLING = Question(id="q-4", kind="short_answer", prompt="מה זה? (in English)", answers=("a star *", "star"))
LETTER = Question(id="q-5", kind="essay", prompt="Write a letter.", answers=("Dear Ann,\n\nThanks!\n\nBo",))
ONE_OF_EACH = [NOTICE, VERBS, CLOZE, SPELLING, LETTER]
