"""Grammar in use: gap choices in which a word or phrase of the sentence decides the form.

The skill of a language item is the skill in which the knowledge is used. Choosing the form that fits a
printed text is reading; producing, ordering or correcting text is writing; what is said in a conversation
(questions, short replies, tags) is speaking.
"""

from __future__ import annotations

from tunewright.generate.frames import framed_model
from tunewright.generate.item import ItemModel

_GAP_INSTRUCTIONS = (
    "Choose the word or phrase that correctly completes the sentence.",
    "Read the sentence and choose the option that fits the gap.",
    "Which option completes the text correctly? Choose one.",
    "Complete the text with the correct option.",
)


def _grammar_gap(name: str, construct: str) -> ItemModel:
    return framed_model(
        name, skill="reading", task="gap choice", construct=construct, instructions=_GAP_INSTRUCTIONS
    )


MODELS: tuple[ItemModel, ...] = (
    _grammar_gap("articles", "Chooses a, an, the or no article from sound, number and what is known"),
    _grammar_gap("prepositions", "Chooses the preposition that time, place or a governing word requires"),
    _grammar_gap("present_forms", "Tells habits, facts and states from what is happening now"),
    _grammar_gap("past_or_perfect", "Tells finished past time from time that reaches up to a later point"),
    _grammar_gap("future_forms", "Chooses the form for plans, predictions, arrangements and time clauses"),
    _grammar_gap("agreement", "Finds the subject and makes the verb agree with it"),
    _grammar_gap("conditionals", "Matches the verb forms of condition and result to time and reality"),
    _grammar_gap("passive", "Uses the passive where the subject does not do the action"),
    _grammar_gap("reported_speech", "Reports statements, questions and commands with the right pattern"),
    _grammar_gap("relative_clauses", "Chooses the relative word that the noun and the clause require"),
    _grammar_gap("comparison", "Forms and uses comparatives, superlatives and patterns of equality"),
    _grammar_gap("quantifiers", "Chooses quantity words for countable and uncountable nouns"),
    _grammar_gap("modals", "Chooses the modal verb that the reason given in the text requires"),
    _grammar_gap("verb_patterns", "Uses -ing, to-infinitive or base form after another verb or phrase"),
    _grammar_gap("wishes", "Uses unreal verb forms after wish, if only and similar expressions"),
)
