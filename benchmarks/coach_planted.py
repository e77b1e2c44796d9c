"""What a small coach learns: planted faults repaired, good items kept, against three baselines.

    python benchmarks/coach_planted.py --out /tmp/coach --items 38000

Items of our item models get one planted, labelled fault each in six of ten cases (wrong key, duplicate
option, agreement error, missing explanation, an explanation that defends another option); the rest stay good.
A coach is trained on them from random weights with `coach train`, and sits the exam on items that it has not
seen with `coach evaluate`, beside leaving everything alone, the detectors' repairs, and the same model
untrained with the long prompt. Only shorter item models take part, so that the run fits a CPU.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

from tunewright.coach.exam_config import ExamConfig
from tunewright.coach.exam_stage import evaluate_coaches
from tunewright.coach.planted import planted
from tunewright.coach.revise_config import CoachAskConfig
from tunewright.coach.train import train_coach
from tunewright.coach.train_config import CoachConfig
from tunewright.coach.write_revisions import write_revisions
from tunewright.generate.items import generate_items
from tunewright.generate.models import ALL_MODELS
from tunewright.records.record import Record
from tunewright.run.progress import Progress

MOST_CHARS = 800  # mean length of an item model's records in characters; longer ones are left out
FAULTY_SHARE = 0.6


def main() -> None:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--items", type=int, default=38_000, help="to train on")
    parser.add_argument("--exam", type=int, default=600, help="other items, for the exam")
    parser.add_argument("--model", default="scratch:tiny")
    parser.add_argument("--objective", default="im:0.1")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--form", default="lines")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    train_file, exam_file = write_sets(args.out, args.items, args.exam, args.seed)
    config = CoachConfig(
        alpha=1.0,
        model=args.model,
        form=args.form,
        good_share=1 - FAULTY_SHARE,
        validation=300 / args.items,
        seed=args.seed,
        tune={
            "objective": args.objective,
            "epochs": args.epochs,
            "lr": args.lr,
            "batch_size": args.batch_size,
            "pack_tokens": 8192,
        },
    )
    began = time.perf_counter()
    manifest = train_coach(config, train_file, args.out / "coach", progress=Progress())
    untrained = write_untrained(args.out, args.model, manifest, args.seed)
    exam = ExamConfig(coaches=(str(args.out / "coach"), f"hf:{untrained}"), ask=CoachAskConfig(batch_size=16))
    report = evaluate_coaches(exam, exam_file, args.out / "exam", progress=Progress())
    show(report, manifest, time.perf_counter() - began)


def write_sets(out: Path, num_train: int, num_exam: int, seed: int) -> tuple[Path, Path]:
    """The training revisions and the exam's, of different items."""
    items = list(generate_items(num_train + num_exam, seed=7, models=short_models()))
    random.Random(f"split of {seed}").shuffle(items)
    files = out / "train.jsonl", out / "exam.jsonl"
    parts: tuple[list[Record], ...] = (items[num_exam:], items[:num_exam])
    for number, (file, part) in enumerate(zip(files, parts, strict=True)):
        revisions = planted(part, seed=seed + number, faulty_share=FAULTY_SHARE)
        write_revisions((revision for revision, _ in revisions), file)
    return files


def short_models() -> list[object]:
    """The item models whose records have at most MOST_CHARS characters on average."""
    chosen = []
    for model in ALL_MODELS:
        records = list(generate_items(20, seed=1, models=[model]))
        lengths = [len(r.instruction + r.input + r.output + r.explanation) for r in records]
        if sum(lengths) / len(lengths) <= MOST_CHARS:
            chosen.append(model)
    return chosen


def write_untrained(out: Path, spec: str, manifest: dict[str, object], seed: int) -> Path:
    """The coach's own tokenizer with random weights: what it was before training."""
    from tunewright.tune.model import load_model, load_tokenizer, save_model

    folder = out / "untrained"
    if not folder.exists():
        tokenizer = load_tokenizer(str(out / "coach" / "tune" / "model"), [])
        model = (
            load_model(spec, tokenizer, seed=seed)
            if spec.startswith("scratch:")
            else load_model(spec, tokenizer, seed=0)
        )
        stop = tokenizer.eos_token_id
        save_model(model, tokenizer, folder, stop_ids=[stop], chat_template=tokenizer.chat_template)
    return folder


def show(report: dict[str, object], manifest: dict[str, object], seconds: float) -> None:
    print(json.dumps(manifest["counts"]), f"{seconds:.0f} s")
    for name, one in report["coaches"].items():
        name = Path(name.removeprefix("hf:")).name
        shares = {key: one[key] for key in ("repaired", "kept", "harmed", "exact")}
        print(f"{name:15}", "  ".join(f"{key} {percent(share)}" for key, share in shares.items()))
        for fault, share in one["repaired_by_fault"].items():
            print(f"    {fault:28} {percent(share)}")
        if one["invalid"]:
            print(f"    not used: {one['invalid']}")


def percent(share: dict[str, object]) -> str:
    low, high = share["interval"]["low"], share["interval"]["high"]
    return (
        f"{100 * share['share']:.1f} % ({100 * low:.1f}–{100 * high:.1f}; {share['count']} of {share['of']})"
    )


if __name__ == "__main__":
    main()
