"""Near-duplicates: ours against `rouge_score` as Self-Instruct uses it and against MinHash, on one core.

python benchmarks/near_duplicates.py [--sizes 1000 5000 20000 50000] [--million] [--data ../shared/data]
    [--rouge-score 1000] [--parity 3000]

CPU seconds of the Python call from texts to decisions, in a process of its own; the interpreter's start
and imports are not counted. The texts are the instructions in --data (those of the project's measuring data,
where there), grown to the size asked for: see `grown`. Without --data all texts are grown from a few words.
Needs `rouge_score`, `datasketch` and `rensa` for the rows that are not ours.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy is imported

from tunewright.duplicates import near_duplicates  # noqa: E402
from tunewright.records import read_records  # noqa: E402

THRESHOLD = 0.7
FILES = (
    "instructions/alpaca_5k.json",
    "instructions/dolly_3k.json",
    "instructions/lima.jsonl",
    "instructions/book_1100.json",
    "instructions/seed_tasks.jsonl",
    "instructions/user_oriented_252.jsonl",
    "instructions/t0_mix.jsonl",
)
LONGEST_WORDS = 40  # of an instruction, as in the measurements this one is compared with
FEW_WORDS = [
    "Write",
    "Explain",
    "List",
    "a",
    "an",
    "the",
    "of",
    "in",
    "for",
    "with",
    "short",
    "story",
    "poem",
    "city",
    "water",
]


def real(data: Path) -> list[str]:
    """The instructions of at most `LONGEST_WORDS` words, before and after the experts' revision, shuffled."""
    texts = []
    for name in FILES:
        if (data / name).exists():
            texts += [record.instruction for record in read_records(data / name, on_reject=lambda _: None)]
    revisions = data / "coachlm/expert_revisions.json"
    if revisions.exists():
        rows = json.loads(revisions.read_text(encoding="utf-8"))
        texts += [row[f"{side} Instruction"] for side in ("Raw", "Revised") for row in rows]
    texts = [text for text in texts if len(text.split()) <= LONGEST_WORDS]
    random.Random(3).shuffle(texts)
    return texts


def grown(texts: list[str], size: int, *, seed: int = 1) -> list[str]:
    """The first `size` texts; where there are fewer, new ones after them, all from the same seed.

    Four in five are chains: each word is drawn from those that follow the last one in the real texts, and
    one in fifty is a new name, as larger collections have more of them. One in five is a text made before
    in which some words are left out, changed or added: near-duplicates on both sides of the threshold.
    """
    rng = random.Random(seed)
    result = list(texts[:size])
    follows: dict[str, list[str]] = defaultdict(list)
    for text in texts or [" ".join(rng.sample(FEW_WORDS, 12)) for _ in range(2000)]:
        words = ["", *text.split(), ""]
        for word, after in pairwise(words):
            follows[word].append(after)
    while len(result) < size:
        if result and rng.random() < 0.2:
            words = result[rng.randrange(len(result))].split()
            share = rng.choice((0.1, 0.2, 0.3, 0.4))
            result.append(" ".join(_changed(words, share, follows, rng)))
        else:
            result.append(" ".join(_chain(follows, rng)))
    return result


def _changed(
    words: list[str], share: float, follows: dict[str, list[str]], rng: random.Random
) -> Iterator[str]:
    for word in words:
        if rng.random() >= share:
            yield word
        elif rng.random() < 0.67:
            yield rng.choice(follows.get(word) or [word]) or f"name{rng.randrange(10**6)}"


def _chain(follows: dict[str, list[str]], rng: random.Random) -> list[str]:
    words: list[str] = []
    word = ""
    while len(words) < LONGEST_WORDS:
        word = rng.choice(follows[word])
        if not word:
            if len(words) >= 4:
                break
            continue
        words.append(f"name{rng.randrange(10**6)}" if rng.random() < 0.02 else word)
    return words


def of_few_words(size: int) -> list[str]:
    """Texts of 5 to 25 of 2,000 words, drawn by Zipf's law: no rare words, the search's hardest case."""
    rng = random.Random(1)
    words, weights = [f"w{i}" for i in range(2000)], [1 / (i + 1) for i in range(2000)]
    return [" ".join(rng.choices(words, weights=weights, k=rng.randint(5, 25))) for _ in range(size)]


def ours(texts: list[str]) -> list[bool]:
    return [found is not None for found in near_duplicates(texts, threshold=THRESHOLD)]


def ours_unicode(texts: list[str]) -> list[bool]:
    return [found is not None for found in near_duplicates(texts, threshold=THRESHOLD, tokens="unicode")]


def self_instruct(texts: list[str]) -> list[bool]:
    """What Self-Instruct does, less its process pool per candidate, which costs more than it saves."""
    from rouge_score import rouge_scorer

    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    kept: list[str] = []
    dropped = []
    for text in texts:
        scores = [scorer.score(text, other)["rougeL"].fmeasure for other in kept]
        dropped.append(max(scores, default=0) > THRESHOLD)
        if not dropped[-1]:
            kept.append(text)
    return dropped


def _shingles(text: str, num_words: int) -> list[str]:
    words = text.lower().split()
    return [" ".join(words[i : i + num_words]) for i in range(max(1, len(words) - num_words + 1))]


def datasketch(texts: list[str], *, num_words: int, threshold: float) -> list[bool]:
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(threshold=threshold, num_perm=128)
    dropped = []
    shingles = ([s.encode() for s in _shingles(text, num_words)] for text in texts)
    for i, found in enumerate(MinHash.generator(shingles, num_perm=128)):
        dropped.append(bool(lsh.query(found)))
        if not dropped[-1]:
            lsh.insert(str(i), found)
    return dropped


def rensa(texts: list[str], *, num_words: int, threshold: float) -> list[bool]:
    from rensa import RMinHash, RMinHashLSH

    lsh = RMinHashLSH(threshold=threshold, num_perm=128, num_bands=32)
    kept: dict[int, RMinHash] = {}
    dropped = []
    for i, text in enumerate(texts):
        found = RMinHash(num_perm=128, seed=42)
        found.update(_shingles(text, num_words))
        dropped.append(any(found.jaccard(kept[other]) >= threshold for other in lsh.query(found)))
        if not dropped[-1]:
            lsh.insert(i, found)
            kept[i] = found
    return dropped


METHODS: dict[str, Callable[[list[str]], list[bool]]] = {
    "ours": ours,
    "ours, --tokens unicode": ours_unicode,
    "ours, no rare words": ours,
    "rouge_score": self_instruct,
    "datasketch, 1 word, .5": lambda texts: datasketch(texts, num_words=1, threshold=0.5),
    "datasketch, 3 words, .7": lambda texts: datasketch(texts, num_words=3, threshold=0.7),
    "rensa, 1 word, .5": lambda texts: rensa(texts, num_words=1, threshold=0.5),
    "rensa, 1 word, .7": lambda texts: rensa(texts, num_words=1, threshold=0.7),
    "rensa, 3 words, .7": lambda texts: rensa(texts, num_words=3, threshold=0.7),
}


def measure(method: str, size: int, data: Path) -> None:
    """One row, in this process: time and peak memory, then the decisions against the exact ones."""
    texts = of_few_words(size) if method == "ours, no rare words" else grown(real(data), size)
    METHODS[method](texts[:100])  # imports
    base_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begun, begun_wall = time.process_time(), time.perf_counter()
    dropped = METHODS[method](texts)
    seconds, wall = time.process_time() - begun, time.perf_counter() - begun_wall
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    exact = dropped if METHODS[method] is ours else ours(texts)
    both = sum(one and other for one, other in zip(dropped, exact, strict=True))
    precision = f"{both / sum(dropped):.3f}" if sum(dropped) else "none dropped"
    recall = f"{both / sum(exact):.3f}" if sum(exact) else "none to find"
    print(
        f"| {method} | {size:,} | {seconds:,.2f} | {wall:,.2f} | {peak_mib:,.0f} ({base_mib:,.0f} before) "
        f"| {sum(dropped):,} | {precision} | {recall} |",
        flush=True,
    )


def parity(size: int, data: Path) -> None:
    """Every decision of ours against the package's, on `size` texts of a shuffle of the real ones."""
    texts = real(data) or grown([], size)
    random.Random(3).shuffle(texts)
    texts = texts[:size]
    expected, found = self_instruct(texts), ours(texts)
    equal = sum(one == other for one, other in zip(expected, found, strict=True))
    print(
        f"parity: {equal:,} of {len(texts):,} decisions equal, {sum(expected):,} dropped by rouge_score",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 5000, 20000, 50000])
    parser.add_argument("--million", action="store_true", help="ours at 1,000,000 too: minutes")
    parser.add_argument(
        "--rouge-score", type=int, default=1000, help="texts for rouge_score; 0: leave it out"
    )
    parser.add_argument("--parity", type=int, default=0, help="compare every decision on so many real texts")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared/data")
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "SIZE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.one[0], int(arguments.one[1]), arguments.data)
        return
    if arguments.parity:
        parity(arguments.parity, arguments.data)
    print("| method | texts | CPU s | wall s | peak MiB | dropped | precision | recall |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for method in arguments.methods:
        sizes = [arguments.rouge_score] if method == "rouge_score" else list(arguments.sizes)
        if METHODS[method] is ours and arguments.million:
            sizes.append(1_000_000)
        for size in filter(None, sizes):
            command = [sys.executable, __file__, "--data", str(arguments.data), "--one", method, str(size)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
