"""The warnings: what was counted in the records, and why it matters for loss on prompts."""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.evaluate.advice.scan import LONG_OUTPUT_WORDS, Scan, Sign
from tunewright.tune.recommend import LARGE_RECORDS

_KINDS = {
    "email-address": "e-mail address",
    "phone-number": "telephone number",
    "iban": "bank account (IBAN)",
    "card-number": "card number (Luhn)",
    "ip-address": "internet address",
    "key": "secret key",
}


@dataclass(frozen=True, slots=True)
class Caution:
    """`count` records (0 where it is about the set as a whole), by kind, the first few ids, and why."""

    name: str
    count: int
    share: float
    kinds: dict[str, int]
    ids: tuple[str, ...]
    why: str


def cautions(scan: Scan, *, num_long: int = 0, num_sampled: int = 0) -> tuple[Caution, ...]:
    """Every warning that the records give rise to; those not found are left out.

    `num_long` of `num_sampled` records are longer than `tune` takes by default.
    """
    found = [
        (
            "private text in prompts",
            scan.private_prompts,
            "IM trains the model to write it; replace it first",
        ),
        ("private text in outputs", scan.private_outputs, "every objective trains the model to write it"),
        ("refusals", scan.refusals, "IM made refusals brittle (LfU); found in English only"),
        (
            "prompts that may ask for harm",
            scan.harmful,
            "IM trains the model to write such prompts; a short English word list, so read them",
        ),
        (
            "retrieved or tool text in prompts",
            scan.retrieved,
            "IM spends its loss on text that nobody typed, and learns to make it up",
        ),
        (
            "mathematics or code",
            scan.skill,
            "IM lowered a skill that was tuned for (LfU)",
        ),
        (
            f"outputs of more than {LONG_OUTPUT_WORDS} words",
            scan.long_outputs,
            "the published gains fall as outputs grow; none on AlpacaEval 1 for LIMA (mean 442 words)",
        ),
    ]
    rows = [_row(scan, *one) for one in found if one[1].count]
    if scan.num_records > LARGE_RECORDS:
        rows.append(_whole(f"more than {LARGE_RECORDS:,} records", "the published gains fall as sets grow"))
    if num_long:
        why = f"{num_long:,} of {num_sampled:,} sampled; `tune` drops them unless --max-tokens is raised"
        rows.append(_whole("records of more than 1,024 tokens", why))
    if scan.num_unspaced * 2 > scan.num_records:
        rows.append(
            _whole("a script without spaces", "words cannot be counted; the advice uses tokens instead")
        )
    elif scan.num_english * 2 < scan.num_records:
        why = "refusals, harm, skills and labels are looked for in English, so more may be there than is said"
        rows.append(_whole("mostly not English", why))
    return tuple(rows)


def _row(scan: Scan, name: str, sign: Sign, why: str) -> Caution:
    kinds = {_KINDS.get(kind, kind): count for kind, count in sign.kinds.most_common()}
    return Caution(name, sign.count, sign.count / scan.num_records, kinds, tuple(sign.ids), why)


def _whole(name: str, why: str) -> Caution:
    return Caution(name, 0, 1.0, {}, (), why)
