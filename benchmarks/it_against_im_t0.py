"""IT against IM on long instructions with short outputs: T0 templates, 500 rows to train on.

    python benchmarks/it_against_im_t0.py T0_MIX.jsonl OUT [--model SPEC] [--seeds 3] [--epochs N] [--jobs N]

Makes three sets from a prompt/completion file with a `source` column: 500 training rows and 300 held-out
rows of the same templates, and up to 300 rows of other templates; then runs both arms with every seed and
writes the report into OUT. The numbers in docs/it-against-im.md were made with it.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from tunewright.cli.show import sink_for
from tunewright.pipeline import Recipe, run
from tunewright.records import Record, read_records, write_records
from tunewright.run import Progress, parse_config

TRAIN, HELDOUT = 500, 300
SHARE_OF_TEMPLATES = 0.6  # that are trained on
LONGEST_PROMPT_WORDS, LONGEST_OUTPUT_WORDS = 110, 30  # so that nearly all rows fit into 256 tokens


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="scratch:small")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--lr", type=float, default=5e-4)
    parser.add_argument("--normalisation", default="example_mean")
    parser.add_argument("--chat-template")
    parser.add_argument("--jobs", type=int, default=1, help="arms tuned at a time, one thread each")
    arguments = parser.parse_args()
    files = make_sets(arguments.data, arguments.out.parent / f"{arguments.out.name}-data")
    recipe = parse_config(
        Recipe,
        {
            "name": f"IT against IM: T0 templates, {arguments.model.rsplit('/', 1)[-1]}",
            "question": "With long instructions, short outputs and 500 rows, does loss on the instructions "
            "lower the held-out output loss, and does it carry over to templates that were not trained on?",
            "data": str(files["train"]),
            "heldout": {"heldout": str(files["heldout"]), "other_templates": str(files["other"])},
            "tune": {
                "model": arguments.model,
                "epochs": arguments.epochs,
                "lr": arguments.lr,
                "batch_size": 8,
                "normalisation": arguments.normalisation,
                "max_tokens": 256,
                "chat_template": arguments.chat_template,
            },
            "seeds": list(range(1, arguments.seeds + 1)),
        },
        where="the benchmark",
    )
    print(f"report: {run(recipe, arguments.out, progress=Progress(sink_for()), jobs=arguments.jobs)}")


def make_sets(data: Path, folder: Path) -> dict[str, Path]:
    """The three sets as files; which row goes where depends on a hash of its template and id alone."""
    short = [record for record in read_records(data) if _fits(record)]
    short.sort(key=lambda record: _share(record.id))
    same = [record for record in short if _share(str(record.meta["source"])) < SHARE_OF_TEMPLATES]
    other = [record for record in short if _share(str(record.meta["source"])) >= SHARE_OF_TEMPLATES]
    sets = {"train": same[:TRAIN], "heldout": same[TRAIN : TRAIN + HELDOUT], "other": other[:HELDOUT]}
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: folder / f"{name}.jsonl" for name in sets}
    for name, records in sets.items():
        write_records(records, files[name])
    return files


def _fits(record: Record) -> bool:
    return (
        len(record.instruction.split()) <= LONGEST_PROMPT_WORDS
        and len(record.output.split()) <= LONGEST_OUTPUT_WORDS
    )


def _share(text: str) -> float:
    """A text's place between 0 and 1 by its hash."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


if __name__ == "__main__":
    main()
