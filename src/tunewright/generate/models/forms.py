"""Language in production: making and correcting text (writing) and taking part in conversation (speaking).

Word formation, error correction and sentence transformation are answered in writing; each stem leaves
exactly one expected answer.
"""

from __future__ import annotations

from tunewright.generate.frames import framed_model
from tunewright.generate.item import ItemModel

MODELS: tuple[ItemModel, ...] = (
    framed_model(
        "word_formation",
        skill="writing",
        task="word formation",
        construct="Derives the form of a word that grammar and meaning of the sentence require",
        instructions=(
            "Complete the text with one word made from the word in capitals.",
            "Use the word in capitals to form one word that fits the gap.",
            "Change the word in brackets into the form that the gap needs. Write one word.",
        ),
    ),
    framed_model(
        "error_correction",
        skill="writing",
        task="error correction",
        construct="Finds and corrects a grammatical or lexical error",
        instructions=(
            "The text has one mistake. Write the wrong part and its correction, like this: goed → went.",
            "Find the mistake in the text. Write it with its correction, like this: goed → went.",
            "Correct the one mistake. Write the wrong part, an arrow and the right form: goed → went.",
        ),
    ),
    framed_model(
        "transformation",
        skill="writing",
        task="sentence transformation",
        construct="Expresses the same meaning with another grammatical structure",
        instructions=(
            "Complete the second sentence so that it says the same. Follow the instructions in brackets.",
            "Write the missing words. The second sentence must have the same meaning as the first.",
        ),
    ),
    framed_model(
        "word_order",
        skill="writing",
        task="word order",
        construct="Arranges adverbs, adjectives, objects and particles in English order",
        instructions=(
            "Choose the option with the correct word order.",
            "Which option has its words in the right order?",
        ),
    ),
    framed_model(
        "linking_words",
        skill="writing",
        task="linking words",
        construct="Joins clauses and sentences with the linking word that their logic and grammar require",
        instructions=(
            "You are editing a text. Choose the linking word that fits both meaning and grammar.",
            "Choose the word or phrase that joins the two parts correctly.",
        ),
    ),
    framed_model(
        "emphasis",
        skill="writing",
        task="emphasis and inversion",
        construct="Uses inversion and cleft sentences for emphasis in writing",
        instructions=(
            "A writer wants to give weight to one part of the sentence. Choose the correct option.",
            "Choose the option that completes the emphatic sentence correctly.",
        ),
    ),
    framed_model(
        "questions",
        skill="speaking",
        task="asking questions",
        construct="Forms the question that a conversation requires",
        instructions=(
            "Complete the question in the conversation.",
            "What does the first speaker ask? Choose the correct option.",
        ),
    ),
    framed_model(
        "replies",
        skill="speaking",
        task="short replies",
        construct="Uses short answers, agreement and tags that fit what was said",
        instructions=(
            "Complete the conversation with the correct option.",
            "What do people say here? Choose the option that fits.",
        ),
    ),
)
