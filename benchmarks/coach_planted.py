"""What a small coach learns: planted faults repaired, good items kept, against three baselines.

    python benchmarks/coach_planted.py --out runs/coach-planted

Items of our item models get one planted, labelled fault each in six or seven of ten cases (wrong key,
duplicate option, agreement error, missing explanation, an explanation that defends another option); the rest
stay good. A coach of 1 M parameters is trained on them from random weights in four legs, each with faults
planted anew, and after each leg it sits the exam of `coach evaluate` on items that it has not seen, beside
leaving everything alone, the detectors' repairs, and the same model untrained with the long prompt. The first
legs also learn the records themselves (objective im:0.1): copying has to be learnt before repairing. Only
item models with shorter records take part, so that the run fits a CPU: about an hour and a half on one core.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.coach.exam_config import ExamConfig
from tunewright.coach.exam_stage import ALONE, FIXES, evaluate_coaches
from tunewright.coach.planted import planted
from tunewright.coach.revise_config import CoachAskConfig, Decoding
from tunewright.coach.train import train_coach
from tunewright.coach.train_config import CoachConfig
from tunewright.coach.write_revisions import write_revisions
from tunewright.generate.item import ItemModel
from tunewright.generate.items import generate_items
from tunewright.generate.models import ALL_MODELS
from tunewright.records.record import Record
from tunewright.run.progress import Progress

MOST_CHARS = 800  # mean length of an item model's records in characters; longer ones are left out
UNTRAINED_TOKENS = 64  # random weights never end their turn: more would only take longer


@dataclass(frozen=True)
class Leg:
    """One stretch of training: its share of the items, objective, pairs per step, peak learning rate, and the
    share of items that get a fault."""

    items_share: float
    objective: str
    batch_size: int
    lr: float
    faulty_share: float


LEGS = (
    Leg(1.0, "im:0.1", 8, 2e-3, 0.6),
    Leg(1.0, "im:0.1", 16, 2e-3, 0.7),
    Leg(1.0, "it", 32, 6e-4, 0.7),
    Leg(0.63, "it", 32, 6e-4, 0.7),
)


def main() -> None:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--items", type=int, default=38_000, help="to train on, in each leg")
    parser.add_argument("--exam", type=int, default=200, help="other items, for the exam")
    parser.add_argument("--model", default="scratch:tiny")
    parser.add_argument("--form", default="lines")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    train, exam = split_items(args.items, args.exam, args.seed)
    exam_file = write_planted(exam, args.out / "exam.jsonl", seed=args.seed, faulty_share=0.6)
    model = args.model
    for number, leg in enumerate(LEGS, start=1):
        folder = args.out / f"leg-{number}"
        file = args.out / f"train-{number}.jsonl"
        some = train[: round(leg.items_share * len(train))]
        write_planted(some, file, seed=args.seed + number, faulty_share=leg.faulty_share)
        config = CoachConfig(
            alpha=1.0,
            model=model,
            form=args.form,
            preset="scratch",
            good_share=0.0,  # the set has its own good items
            validation=min(0.5, 300 / args.items),
            seed=args.seed,
            tune={"objective": leg.objective, "batch_size": leg.batch_size, "lr": leg.lr, "epochs": 1},
        )
        manifest = train_coach(config, file, folder, progress=Progress())
        model = str(folder / "tune" / "model")
        if number == 1:
            untrained = write_untrained(args.out, args.model, model, args.seed)
            show_exam(f"hf:{untrained}", exam_file, args.out / "exam-0", UNTRAINED_TOKENS)
        print(f"leg {number}: {leg}, {manifest['counts']['training']:,} pairs")
        show_exam(str(folder), exam_file, args.out / f"exam-{number}", 400)


def split_items(num_train: int, num_exam: int, seed: int) -> tuple[list[Record], list[Record]]:
    items = list(generate_items(num_train + num_exam, seed=7, models=short_models()))
    random.Random(f"split of {seed}").shuffle(items)
    return items[num_exam:], items[:num_exam]


def short_models() -> list[ItemModel]:
    """The item models whose records have at most MOST_CHARS characters on average."""
    chosen = []
    for model in ALL_MODELS:
        records = list(generate_items(20, seed=1, models=[model]))
        lengths = [len(r.instruction + r.input + r.output + r.explanation) for r in records]
        if sum(lengths) / len(lengths) <= MOST_CHARS:
            chosen.append(model)
    return chosen


def write_planted(items: list[Record], file: Path, *, seed: int, faulty_share: float) -> Path:
    write_revisions((one for one, _ in planted(items, seed=seed, faulty_share=faulty_share)), file)
    return file


def write_untrained(out: Path, spec: str, trained: str, seed: int) -> Path:
    """The coach's own tokenizer with random weights: what it was before training."""
    from tunewright.tune.model import load_model, load_tokenizer, save_model

    folder = out / "untrained"
    if not folder.exists():
        tokenizer = load_tokenizer(trained, [])
        model = load_model(spec, tokenizer, seed=seed)
        stops = [tokenizer.eos_token_id]
        save_model(model, tokenizer, folder, stop_ids=stops, chat_template=tokenizer.chat_template)
    return folder


def show_exam(coach: str, exam: Path, out: Path, max_tokens: int) -> None:
    config = ExamConfig(
        coaches=(coach,), ask=CoachAskConfig(batch_size=16), decoding=Decoding(max_tokens=max_tokens)
    )
    report = evaluate_coaches(config, exam, out, progress=Progress())
    for name in (ALONE, FIXES, coach):
        one = report["coaches"][name]
        shares = {"repaired": one["repaired"], "kept": one["kept"], "made worse": one["harmed"]}
        print(
            f"  {Path(name).name:12}", "  ".join(f"{key} {percent(share)}" for key, share in shares.items())
        )
        if name == coach:
            for fault, share in one["repaired_by_fault"].items():
                print(f"    {fault:28} {percent(share)}")
            print(f"    kept by a usable reply: {percent(one['kept_by_reply'])}; not used: {one['invalid']}")


def percent(share: dict[str, Any]) -> str:
    low, high = share["interval"]["low"], share["interval"]["high"]
    of = f"{share['count']} of {share['of']}"
    return f"{100 * share['share']:.1f} % ({100 * low:.1f} to {100 * high:.1f}; {of})"


if __name__ == "__main__":
    main()
