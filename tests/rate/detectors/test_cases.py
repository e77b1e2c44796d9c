"""What each detector finds and what it lets pass, case by case, written out."""

# ruff: noqa: E501 - a case a line reads better than five lines a case

from __future__ import annotations

from datetime import date

import pytest

from tunewright.rate.check import find_all
from tunewright.rate.detectors import ALONE, CheckSettings
from tunewright.rate.detectors.placeholders import NO_INPUT_PLACEHOLDER
from tunewright.records import Record, Turn

SETTINGS = CheckSettings(language="en", cutoff=date(2023, 1, 1))
IRISH = "Ní mór don bhean sin dul abhaile anois mar tá an oíche ag titim agus níl aon solas ar an mbóthar fada sin."
LONG = "The heron stands in the shallow water for hours and waits until a small fish swims close to its feet."


def found(name: str, instruction: str, output: str, input: str = "") -> list[str]:
    """The marked texts of one detector's findings."""
    record = Record("r", instruction, output, input)
    fields = {"instruction": instruction, "input": input, "output": output}
    return [
        fields[one.field][one.start : one.end]
        for one in find_all(record, ALONE, SETTINGS)
        if one.detector == name
    ]


# detector, instruction, output, input, marked text
FINDS = [
    ("empty-output", "Name a bird.", "\u200b \n", "", "\u200b \n"),
    ("placeholder-output", "Name a bird.", "N/A", "", "N/A"),
    ("placeholder-output", "Name a bird.", "[Your answer here]", "", "[Your answer here]"),
    ("placeholder-output", "Name a bird.", "...", "", "..."),
    ("placeholder-output", "Draw it.", "I cannot. < No Output >", "", "< No Output >"),
    ("no-input-placeholder", "Name a bird.", "Heron", "<noinput>", "<noinput>"),
    ("no-input-placeholder", "Name a bird.", "Heron", "No additional input is needed.", "No additional input is needed."),
    ("no-input-placeholder", "Name a bird.", "Heron", "N/A", "N/A"),
    ("merged-instructions", "Name a bird.", "Heron\n\n5. Instruction: Name a fish.\n5. Output: Pike", "", "5. Instruction:"),
    ("merged-instructions", "### Instruction:\nName a bird.", "Heron", "", "### Instruction:"),
    ("template-tokens", "Name a bird. [/INST]", "Heron", "", "[/INST]"),
    ("template-tokens", "Name a bird.", "Heron</s>", "", "</s>"),
    ("missing-image", "Write a caption for the attached photo.", "Early bird", "", "the attached photo"),
    ("missing-image", "What is shown in the picture?", "A heron", "", "shown in the picture"),
    ("missing-image", "Name the bird.", "Heron", "![bird](https://a.org/x.jpg)", "![bird](https://a.org/x.jpg)"),
    ("missing-file", "Proofread the attached letter.", "It is fine.", "", "the attached letter"),
    ("missing-file", "Sum up the following document.", "It is about birds.", "report.pdf", "the following document"),
    ("missing-web-page", "Summarize https://a.org/herons in a line.", "Herons wait.", "", "https://a.org/herons"),
    ("missing-web-page", "Give the main point of the following article.", "Herons wait.", "", "the following article"),
    ("missing-text", "Translate the following sentence into plain words.", "They wait.", "", "the following sentence"),
    ("cut-output", "Tell me about herons.", LONG + " Then it strikes with the", "", "the"),
    ("cut-output", "Tell me about herons.", LONG + " It nests in tall trees,", "", ","),
    ("repeated-paragraph", "Tell me.", LONG + "\n\nAnd so on.\n\n" + LONG.upper(), "", LONG.upper()),
    ("repeated-sentence", "Tell me.", LONG + " " + LONG, "", " " + LONG),
    ("repeated-phrase", "Tell me.", "It waits and strikes and waits and strikes and waits and strikes and waits and strikes again.", "",
     "waits and strikes and waits and strikes and waits and strikes and waits and strikes"),
    ("repeated-phrase", "Tell me.", "It is " + "very " * 6 + "still.", "", "very very very very very very"),
    ("control-characters", "Name a bird.\x1b[31m", "Heron", "", "\x1b"),
    ("control-characters", "Name a bird.", "\ufeffHeron", "", "\ufeff"),
    ("mojibake", "Name a bird.", "It doesnâ€™t fly.", "", "â€™"),
    ("mojibake", "Name a bird.", "Grand cormoran, voilÃ\xa0 !", "", "Ã\xa0"),
    ("mojibake", "Name a bird.", "H\ufffdron", "", "\ufffd"),
    ("trailing-whitespace", "Name a bird.", "Heron\n \n", "", "\n \n"),
    ("wrong-language", "Tell me about herons and how they fish.", IRISH, "", IRISH),
    ("stray-script", "Tell me about herons.", LONG + " Sie ist eine птица in the reeds.", "", "п"),
    ("mixed-script", "Name a bird.", "The h\u0435ron", "", "h\u0435ron"),
    ("refusal", "Name a bird.", "Unfortunately, I am unable to provide names.", "", "Unfortunately, I am unable to provide"),
    ("refusal", "Name a bird.", "I’m sorry, but I can’t help with that.", "", "I’m sorry, but I can’t help with that."),
    ("refusal", "Name a bird.", "I cannot fulfill this request.", "", "I cannot fulfill this request."),
    ("refusal", "Name a bird.", "I cannot fulfil what you want of me today.", "", "I cannot fulfil"),
    ("refusal", "Name a bird.", "I must decline.", "", "I must decline."),
    ("refusal", "Write a story.", "I'm afraid I can't do that.", "", "I'm afraid I can't do that."),
    ("refusal", "Name a bird.", "I won't be able to provide a name.", "", "I won't be able to provide"),
    ("refusal", "Write a poem about herons.", "I'm sorry, but I can't help with that.", "", "I'm sorry, but I can't help with that."),
    ("refusal", "Rewrite the letter in one line.", "I'm really sorry, but I can't assist with that request.", "Dear Ana, the heron is back.",
     "I'm really sorry, but I can't assist with that request."),
    ("refusal", "Translate into Irish: heron", "As an AI, I cannot translate.", "", "As an AI, I cannot "),
    ("assistant-self", "Which bird is best?", "I am just an AI, but many like herons.", "", "I am just an AI"),
    ("after-cutoff", "Who won?", "The rowers won on May 3, 2023.", "", "May 3, 2023"),
    ("after-cutoff", "Who won?", "The rowers won it in 2024 again.", "", "in 2024"),
    ("after-cutoff", "Who won?", "Won on 2023-05-03.", "", "2023-05-03"),
    ("email-address", "Who?", "Ask j.moreau@cormoran-club.fr.", "", "j.moreau@cormoran-club.fr"),
    ("phone-number", "Who?", "Call (212) 736-5000 now.", "", "(212) 736-5000"),
    ("phone-number", "Who?", "Call +49 30 901820 now.", "", "+49 30 901820"),
    ("iban", "Where to?", "DE89 3704 0044 0532 0130 00", "", "DE89 3704 0044 0532 0130 00"),
    ("card-number", "Which?", "4539-1488-0343-6467", "", "4539-1488-0343-6467"),
    ("ip-address", "Where from?", "It was 151.101.65.69 again.", "", "151.101.65.69"),
    ("output-equals-prompt", "Shorten it.", LONG, LONG, LONG),
    ("answer-in-prompt", "Which bird waits?\nOutput: a heron", "A heron.", "", "a heron"),
    ("answer-in-prompt", "Which bird waits? The answer is the heron.", "The heron", "", "the heron."),
    ("open-code-fence", "Print it.", "```python\nprint(1)", "", "```"),
    ("wrong-arithmetic", "How many?", "So 3 × 12 = 38 eggs.", "", "3 × 12 = 38"),
    ("wrong-arithmetic", "How many?", "(2 + 3) * 4 = 14, hence few.", "", "(2 + 3) * 4 = 14"),
    ("wrong-arithmetic", "How many?", "2^10 = 1000", "", "2^10 = 1000"),
    ("wrong-arithmetic", "How much?", "$2.50 × 4 = $11", "", "$2.50 × 4 = $11"),
    ("wrong-arithmetic", "How much?", "15% of 80 is 14.", "", "15% of 80 is 14"),
    ("wrong-arithmetic", "How much?", "100 / 8 = 12.25", "", "100 / 8 = 12.25"),
    ("wrong-arithmetic", "How much?", "The share is 10 / 4 = 2.", "", "10 / 4 = 2"),
    ("wrong-arithmetic", "How much?", "It was so on day 3. 7 / 2 = 4.", "", "7 / 2 = 4"),
    ("wrong-arithmetic", "How much?", "5 kg + 6 kg = 12 kg", "", "5 kg + 6 kg = 12 kg"),
    ("wrong-arithmetic", "How many?", "1 egg + 6 eggs - 2 eggs = 6 eggs.", "", "1 egg + 6 eggs - 2 eggs = 6 eggs"),
    ("wrong-arithmetic", "How many?", "So 3 plus 4 equals 8.", "", "3 plus 4 equals 8"),
    ("wrong-arithmetic", "How many?", "24 divided by 3 is 9", "", "24 divided by 3 is 9"),
    ("list-length", "Name four birds.", "- Heron\n- Coot\n- Rail", "", "- Heron\n- Coot\n- Rail"),
    ("list-length", "Give me up to two birds.", "1. Heron\n2. Coot\n3. Rail", "", "1. Heron\n2. Coot\n3. Rail"),
    ("list-length", "Name 3 birds.", "heron, coot, rail, grebe", "", "heron, coot, rail, grebe"),
    ("list-length", "Name five birds.", "Heron, coot and rail", "", "Heron, coot and rail"),
    ("list-length", "Name five birds.", "Heron, coot, grebe and rail.", "", "Heron, coot, grebe and rail."),
    ("not-json", "Return a JSON object with a bird.", "bird: heron", "", "bird: heron"),
    ("not-one-word", "Answer with one word: what waits?", "It is the heron.", "", "It is the heron."),
    ("sentence-count", "Describe a heron in two sentences.", "It waits. It strikes. It eats.", "", "It waits. It strikes. It eats."),
    ("sentence-count", "Write a 2-3 sentence story about a heron.", LONG, "", LONG),
    ("word-count", "Describe a heron in at least 30 words.", LONG, "", LONG),
    ("word-count", "Write exactly 5 words about herons.", "A heron is a very still bird.", "", "A heron is a very still bird."),
    ("word-count", "Write a sentence of exactly ten words.", "Herons wait.", "", "Herons wait."),
    ("word-count", "Write a 30-word summary of herons.", LONG, "", LONG),
    ("word-count", "Describe a heron in 10-12 word sentence.", "It waits.", "", "It waits."),
]  # fmt: skip


def test_a_repeated_phrase_is_marked_where_it_is_though_lower_case_is_longer() -> None:
    """“İ” in lower case is an “i” and a dot, which is no letter: it would part a word in two."""
    loop = "waits and strikes and waits and strikes and waits and strikes and waits and strikes"
    assert found("repeated-phrase", "Tell me.", f"İzmir İİ diyİor it {loop} again.") == [loop]


# detector, instruction, output, input: near to a defect, and right
LETS_PASS = [
    ("empty-output", "Which emoji is a bird?", "🐦", ""),
    ("placeholder-output", "Is there a key? Reply N/A if not.", "N/A", ""),
    ("placeholder-output", "Which exceptions are there?", "None", ""),
    ("no-input-placeholder", "Define the word.", "not any", "none"),
    ("no-input-placeholder", "Is this a complaint?", "Yes", "No input field works on your page."),
    ("merged-instructions", "Write a task with instruction and output.\nInstruction: …", "Instruction: a\nOutput: b", ""),
    ("merged-instructions", "How do I make tea?", "Instructions: boil water and wait.", ""),
    ("template-tokens", "Strike it in HTML.", "<s>heron</s>", ""),
    ("missing-image", "Describe a picture that would fit a calm day.", LONG, ""),
    ("missing-image", "Write a title for the following photo: a heron at dawn.", "First light", ""),
    ("missing-image", "What does the following painting show?", "Patience", "A heron, painted in grey ink."),
    ("missing-file", "Write a function that reads the given CSV file.", "def read(path): ...", ""),
    ("missing-web-page", "Write a blog post about herons.", LONG, ""),
    ("missing-web-page", "Which domain is this?", "a.org", "https://a.org/herons"),
    ("missing-web-page", "Write an article about the link between birds and rain.", LONG, ""),
    ("missing-text", 'Correct the following sentence: "He wait."', "He waits.", ""),
    ("missing-text", "Is the following sentence true? Herons live on the moon.", "No", ""),
    ("missing-text", "Answer in the following style.", "Aye.", ""),
    ("cut-output", "Complete the sentence: I look forward", "to it", ""),
    ("cut-output", "Which words are missing?", "waits for a small fish to come to the", ""),
    ("cut-output", "Tell me about herons.", LONG.removesuffix("."), ""),
    ("repeated-paragraph", "Write a song about herons with a chorus.", LONG + "\n\n" + LONG, ""),
    ("repeated-sentence", "Tell me.", LONG + " It is patient. " + LONG, ""),
    ("repeated-phrase", "Say it.", "No, no, no, no!", ""),
    ("repeated-phrase", "Fill in the table.", "0 0 0 0 0 0 0 0 0 0 0 0", ""),
    ("control-characters", "Name birds.", "Heron\tCoot\r\nRail", ""),
    ("mojibake", "Traduza.", "A MAÇÃ e a “IRMÔ, «NÃO» e Â", ""),
    ("mojibake", "Übersetze.", "Der Reiher heißt „HÉRON“ – das „É“ ist groß. 日本語もある。", ""),
    ("mojibake", "What does UTF-8 read as Latin-1 look like?", "é becomes Ã©", ""),
    ("trailing-whitespace", "Name birds.", "Heron  \nCoot", ""),
    ("wrong-language", "Translate into Irish: the heron waits for a fish.", IRISH, ""),
    ("wrong-language", "Name birds.", "Ardea cinerea, Fulica atra, Rallus aquaticus, Gallinula chloropus, Podiceps cristatus", ""),
    ("wrong-language", "Tell me about herons.", LONG, ""),
    ("stray-script", "Where is Kyoto?", LONG + " It is called Kyoto (京都) by all.", ""),
    ("stray-script", "What is 花?", LONG + " The word 花 is flower.", ""),
    ("stray-script", "Give the angle.", LONG + " The angle α is 30° and Δx is small.", ""),
    ("mixed-script", "Say it in Russian.", "цапля (heron)", ""),
    ("refusal", "Write an email that declines.", "I'm sorry, but I cannot provide it.", ""),
    ("refusal", "Why is the door shut?", "I cannot say that it is.", ""),
    ("assistant-self", "Are you a robot?", "I am an AI language model.", ""),
    ("assistant-self", "What do banks use?", "They use a chatbot as a first contact.", ""),
    ("after-cutoff", "What will come?", "The line will open in 2025.", ""),
    ("after-cutoff", "Who won?", "It was in December 2022; 2048 came.", ""),
    ("after-cutoff", "Who won the race of 2024?", "The rowers won it in 2024.", ""),
    ("email-address", "Who?", "Write to name@example.org, 123@gmail.com or me@yourcompany.com.", ""),
    ("phone-number", "Who?", "Call 1-800-736-5000, 212-555-0123 or 123-456-7890; order 2127365000.", ""),
    ("iban", "Where to?", "DE88 3704 0044 0532 0130 00", ""),
    ("card-number", "Which?", "4539 1488 0343 6466, 4242 4242 4242 4242", ""),
    ("ip-address", "Which?", "Version 1.7.7.3, 10.0.0.1, 127.0.0.1, §15.12.2.7, 8.8.8.8", ""),
    ("output-equals-prompt", "Correct the sentence.", LONG, LONG),
    ("output-equals-prompt", "Classify.", "spam", "spam"),
    ("answer-in-prompt", "Question: Who waits? Answer:", "the heron", ""),
    ("answer-in-prompt", "Review: good. Answer: yes\nReview: bad. Answer:", "yes", ""),
    ("open-code-fence", "Print it.", "```\nprint(1)```", ""),
    ("wrong-arithmetic", "How many?", "100 / 7 = 14.29 and 2/3 = 0.66 and 7 / 2 = 3 remainder 1", ""),
    ("wrong-arithmetic", "How many?", "x + 2 + 2 = 9 and 10:30 + 1:30 = 12", ""),
    ("wrong-arithmetic", "How many?", "45 / 60 = 75%, 1,000 * 3 = 3,000, 3 - 4 = -1, 3 + 4 ≈ 7.2", ""),
    ("wrong-arithmetic", "How many?", "3.14 * 5^2 = 78.54", ""),
    ("wrong-arithmetic", "How many?", "1 1/2 + 1 = 2 1/2, 5% + 3 = 9, 3! + 1 = 9, 10 + 5 = 15 = 20 - 5", ""),
    ("wrong-arithmetic", "What is 1 + 1 in binary?", "1 + 1 = 10", ""),
    ("wrong-arithmetic", "Find the mistake.", "It says 2 + 2 = 5.", "2 + 2 = 5"),
    ("wrong-arithmetic", "Which season?", "2020-2021 = 14 goals, 12/5/2020 = 3 goals", ""),
    ("wrong-arithmetic", "How much?", "That is .20*10 = $2.00, and 15 pages x 1/3 = 5 pages; 9x-21=339", ""),
    ("list-length", "Name at least two birds.", "1. Heron\n2. Coot\n3. Rail", ""),
    ("list-length", "Write a story in five parts.", "1. One\n2. Two", ""),
    ("list-length", "Name three birds.", "Heron, coot, rail", ""),
    ("list-length", "Name three birds.", "Heron, coot and rail.", ""),
    ("list-length", "Name three sauces.", "Salt, oil and vinegar, tomato", ""),
    ("list-length", "Name two cities.", "Bonn, Germany, Rome, Italy", ""),
    ("list-length", "Name three birds.", "Herons, which wait, are grey, tall, still", ""),
    ("list-length", "Name three birds.", "1. Heron\n   - grey\n   - tall\n2. Coot\n3. Rail", ""),
    ("list-length", "Suggest meals for four people with few costs.", "- Soup\n- Stew", ""),
    ("not-json", "Convert to JSON format.", "```json\n{\"bird\": \"heron\"}\n```", ""),
    ("not-json", "Explain what JSON is in a JSON format tutorial.", "A way to write data.", ""),
    ("not-one-word", "Describe each bird in one word.", "grey, black, small", ""),
    ("not-one-word", "What waits? Use one word.", "A heron", ""),
    ("answer-in-prompt", "Decide whether the answer is right.", "right", ""),
    ("answer-in-prompt", "Which bird waits? The answer is a bird.", "The heron", ""),
    ("refusal", "Write a reply that says no.", "I'm sorry, but I can't help with that.", ""),
    ("refusal", "Write a letter to a pupil.", "I cannot provide a room for you, since all of them are taken until May.", ""),
    ("refusal", "Rewrite in the future tense.", "I will not do that.", "I did not do that."),
    ("refusal", "Translate to English.", "I can't help with that.", "Ní féidir liom cabhrú leis sin."),
    ("wrong-arithmetic", "What is the quotient?", "10 / 4 = 2.", ""),
    ("wrong-arithmetic", "How many full boxes?", "10 / 4 = 2, and two eggs are left.", ""),
    ("wrong-arithmetic", "How much?", "10 / 4 = 2.5, and 10 / 3 = 3", ""),
    ("wrong-arithmetic", "How much?", "x plus 3 times 4 equals 15", ""),
    ("wrong-arithmetic", "How much?", "2 plus 3 times 4 equals 20", ""),  # said aloud, step by step
    ("wrong-arithmetic", "How much?", "3 times 4 is 2 more than 10", ""),
    ("wrong-arithmetic", "How much?", "5 more than 3 times 4 is 17", ""),
    ("wrong-arithmetic", "How much?", "40 min + 30 min = 1 h; 1 m + 1 m = 200 cm", ""),
    ("wrong-arithmetic", "How long?", "10 / 4 = 2 hours 30 minutes", ""),
    ("wrong-arithmetic", "How loud?", "60 dB + 60 dB = 63 dB", ""),
    ("wrong-arithmetic", "How late?", "11 + 3 = 2 on a clock.", ""),
    ("sentence-count", "Describe it in one sentence.", "Dr. Moreau of St. Malo paid approx. 3.5 million for it.", ""),
    ("sentence-count", "Describe each in one sentence.", "It waits. It eats.", ""),
    ("sentence-count", "Combine the two sentences.", "It waits and eats.", ""),
    ("word-count", "Describe a heron in no more than 20 words.", LONG, ""),
    ("word-count", "Write a 20-word summary of herons.", LONG, ""),  # 20 words
    ("word-count", "Write a 17-word summary of herons.", LONG, ""),  # within a fifth
    ("word-count", "Write about a 40-word summary of herons.", LONG, ""),
    ("word-count", "Write exactly five words about herons.", "Well-known birds - they wait.", ""),  # 4 or 5
    ("word-count", "Write two sentences of exactly ten words about herons.", LONG, ""),
    ("word-count", "Teach 3-word sentence patterns.", "One is “Herons wait still”, of which there are many.", ""),
    ("word-count", "Write a twenty-five-word summary.", LONG, ""),
    ("word-count", "List exactly 5 words about herons.", "grey: of colour\nstill: of mood", ""),
    ("word-count", "Describe a heron in a 10-14 word sentence.", "The heron is grey and it waits for small fish.", ""),
]  # fmt: skip


@pytest.mark.parametrize("case", FINDS, ids=lambda case: f"{case[0]}-{case[2][:20]!r}")
def test_a_defect_is_found_where_it_is(case: tuple[str, str, str, str, str]) -> None:
    name, instruction, output, input, marked = case
    assert found(name, instruction, output, input) == [marked]


@pytest.mark.parametrize("case", LETS_PASS, ids=lambda case: f"{case[0]}-{case[2][:20]!r}")
def test_what_is_right_passes(case: tuple[str, str, str, str]) -> None:
    assert found(*case) == []


def test_every_detector_has_cases_of_both_kinds() -> None:
    names = {detector.name for detector in ALONE}
    assert {case[0] for case in FINDS} == names
    assert {case[0] for case in LETS_PASS} >= names - {"missing-file"}


@pytest.mark.parametrize(
    ("instruction", "input", "output", "fixed"),
    [
        ("Name a bird.", "No input", "Heron", ""),
        ("Name a bird.", "<noinput>", "Heron", ""),
        ('Translate the word "heron" into Irish.', "No input", "corr éisc", ""),
        (
            "Put commas into the following sentence: herons coots and rails",
            "no input",
            "Herons, coots, …",
            "",
        ),
        ("Translate the input to French.", "No input", "Pas d’entrée", "No input"),
        ("Translate to French.", "No input", "Pas d’entrée", "No input"),
        ("Rewrite the given sentence.", "No input given.", "Nothing was put in.", "No input given."),
        ("Is it upper case?", "NO INPUT", "“no input” would be lower case.", "NO INPUT"),
        ("Name a bird.", "N/A", "Heron", "N/A"),
    ],
)
def test_an_input_is_emptied_only_where_the_task_cannot_mean_its_words(
    instruction: str, input: str, output: str, fixed: str
) -> None:
    """Reported it is in every case."""
    record = Record("r", instruction, output, input)
    assert NO_INPUT_PLACEHOLDER.fix is not None
    assert NO_INPUT_PLACEHOLDER.fix(record) == Record("r", instruction, output, fixed)
    assert found("no-input-placeholder", instruction, output, input) == [input]


def test_earlier_turns_of_the_assistant_are_checked_and_named() -> None:
    history = (Turn("user", "Which bird is best?"), Turn("assistant", "As an AI language model, I like all."))
    record = Record("r", "And which is second?", "The coot.", history=history)
    [finding] = find_all(record, ALONE, SETTINGS)
    assert (finding.detector, finding.field, finding.start, finding.end) == (
        "assistant-self",
        "history[1]",
        0,
        8,
    )


def test_what_an_earlier_turn_may_hold_is_not_missed() -> None:
    record = Record("r", "Sum up the following article.", "Herons wait.", history=(Turn("user", LONG),))
    assert find_all(record, ALONE, SETTINGS) == []


def test_without_a_language_or_a_cutoff_their_detectors_are_silent() -> None:
    record = Record("r", "Tell me about herons.", IRISH + " Scríobhadh é in 2024.")
    assert find_all(record, ALONE, CheckSettings()) == []
