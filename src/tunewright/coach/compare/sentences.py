"""The page's sentences, computed from the numbers of `comparison.json`: what was found, and what it allows to
say. A difference is called one only where its interval excludes zero (a win rate's: one half)."""

from __future__ import annotations

from tunewright.coach.compare.words import (
    NO_BREAK,
    Data,
    count,
    digits_for,
    listed,
    number,
    p_value,
    percent,
    plural,
    span,
)


def lead(data: Data) -> str:
    """How much was changed, and at most one word on better or worse."""
    edits = data["edits"]
    changed = edits["changed"]
    of = count(changed["of"])
    text = f"{count(changed['count'])} of {of} records ({percent(changed['share'])}) were changed"
    if not changed["count"]:
        return f"None of {of} records was changed."
    output = next((one for one in edits["fields"] if one["field"] == "output"), None)
    if output is not None:
        words = f"{output['words_before']:.1f} to {output['words_after']:.1f} words"
        text += f"; responses went from {words} on average"
    return text + "."


def verdict(data: Data) -> str:
    """What each part that is there says of better or worse, in a few words; empty where none speaks."""
    parts = []
    if data["ratings"]:
        by = " (by different raters)" if data["ratings"]["same_rater"] is False else ""
        parts.append(f"the ratings: {_ratings_verdict(data['ratings'])}{by}")
    if data["judge"] and data["judge"]["rates"]["num_pairs"]:
        parts.append(f"the judge: {_judge_verdict(data['judge'])}")
    if data["student"]:
        parts.append(f"the student: {_student_verdict(data['student'])}")
    if data["detectors"]:
        row = data["detectors"]["groups"][0]
        words = "no change found" if row["p"] >= 0.05 else "fewer" if row["gone"] > row["new"] else "more"
        parts.append(f"errors that detectors find: {words}")
    return f"Is it better? {'; '.join(parts).capitalize()}." if parts else ""


def findings(data: Data) -> list[str]:
    """A sentence for each part that is there, quality first."""
    found = [
        *(_ratings(data["ratings"]) if data["ratings"] else []),
        *(_judge(data["judge"]) if data["judge"] else []),
        *([_student(data["student"])] if data["student"] else []),
        *(_detectors(data["detectors"]) if data["detectors"] else []),
        *(_books(data["bookkeeping"]) if data["bookkeeping"] else []),
    ]
    if not (data["ratings"] or data["judge"] or data["student"]):
        only = (
            "only detectors speak of quality here" if data["detectors"] else "nothing here speaks of quality"
        )
        found.append(f"Whether the records are better was not asked: {only}.")
    return found


def claims(data: Data) -> list[str]:
    """What the numbers do not show, for this comparison."""
    found = []
    longer = data["edits"]["longer_chars"]
    if longer["share"] and longer["share"] > 0.5:
        found.append(
            f"{percent(longer['share'])} of the responses are longer than before. Raters and judges like "
            "length, so no quality claim should be made without its length-controlled number."
        )
    ratings, judge, student = data["ratings"], data["judge"], data["student"]
    if ratings:
        if ratings["same_rater"] is False:
            found.append(
                "The two ratings were made by different models, prompts or ways of asking: part of the "
                "difference may be the rater's."
            )
        if ratings["unproved"]:
            names = " and ".join(name.upper() for name in ratings["unproved"])
            found.append(
                f"Whether the ratings given for {names} are of these very texts cannot be told: their "
                "folders do not hold what was rated."
            )
        if ratings["same_rater"] is None:
            found.append("The scores come from columns: whether the same rater gave both is not known here.")
    if judge:
        controlled = judge["controlled"]
        if controlled and controlled["num_near"] < 20:
            found.append(
                f"Only {controlled['num_near']} judged pairs are of nearly equal length: the win rate at "
                "equal length rests on the shape of a curve more than on such pairs."
            )
        first = judge["position"]["first_shown"]
        if first["interval"] and not first["interval"]["low"] <= 0.5 <= first["interval"]["high"]:
            found.append(
                f"The judge has a favourite place: {percent(first['share'])} of its decided verdicts are for "
                "the version shown first. Both orders are asked, so this costs certainty and favours "
                "neither side."
            )
        found.append(
            "The judge is a model: its preference is not that of people, and it may like its own style."
        )
    if student:
        seen = max(student["num_seen"])
        if seen:
            found.append(f"{count(seen)} held-out prompts are also in a training set: part of it is memory.")
        found.append(
            f"The student is {student['model']}, tuned with {plural(student['num_seeds'], 'seed')} and one "
            "set of settings: larger models and other budgets may gain differently, and a lower loss is no "
            "preference."
        )
    if data["detectors"]:
        found.append("Detectors see what can be seen at once. Most weak answers have no finding.")
    numbers = data["edits"]["numbers_in_input"]
    if numbers:
        found.append(
            f"In {plural(len(numbers), 'record')} the numbers inside the input changed: task data that a "
            f"person should look at ({listed(numbers)})."
        )
    return found


def _ratings_verdict(ratings: Data) -> str:
    place = [one["key"] for one in ratings["gains"]].index(ratings["main_side"])
    gain = ratings["gains"][place]
    plain = _direction(gain["interval"], 0.0)
    if plain == "no difference found":
        return plain
    name = "near" if gain["equal_length"] is None else "equal_length"
    if gain[name] is None:
        return f"{plain}, at equal length unknown"
    controlled = _direction(gain[f"{name}_interval"], 0.0)
    return f"{plain}, at equal length {'too' if controlled == plain else controlled}"


def _judge_verdict(judge: Data) -> str:
    plain = _direction(judge["rates"]["wr1"]["interval"], 0.5)
    if judge["controlled"] is None:
        return plain if plain == "no difference found" else f"{plain}, at equal length unknown"
    controlled = _direction(judge["controlled"]["rate"]["interval"], 0.5)
    return (
        plain
        if controlled == plain == "no difference found"
        else (f"{plain}, at equal length {'too' if controlled == plain else controlled}")
    )


def _student_verdict(student: Data) -> str:
    found = _direction(student["epochs"][-1]["interval"], 0.0)
    return {"better": "higher loss", "worse": "lower loss"}.get(found, found)


def _direction(interval: Data | None, nothing: float) -> str:
    """Where an interval of after − before lies."""
    if interval is None or interval["low"] <= nothing <= interval["high"]:
        return "no difference found"
    return "better" if interval["low"] > nothing else "worse"


def _ratings(ratings: Data) -> list[str]:
    place = next(i for i, one in enumerate(ratings["comparisons"]) if one["key"] == ratings["main_side"])
    main, gain = ratings["comparisons"][place], ratings["gains"][place]
    if gain["mean"] is None:
        return ["No record has a rating on both sides, so nothing can be said of a gain."]
    digits = digits_for(ratings["scale"])
    high = (main["high_before"], main["high_after"])
    found = [
        f"The mean rating ({ratings['main_side']}) went from {number(main['mean_before'], digits=digits)} to "
        f"{number(main['mean_after'], digits=digits)}: {_change(gain['mean'], gain['interval'], digits)} "
        f"over {count(gain['num_pairs'])} records with both. Scores of {ratings['high_from']:g} or more went "
        f"from {percent(high[0]['share'])} to {percent(high[1]['share'])} of all {count(high[0]['of'])}."
    ]
    if gain["equal_length"] is not None:
        found.append(
            f"At equal length, among changed records, the gain is "
            f"{_change(gain['equal_length'], gain['equal_length_interval'], digits)} "
            f"(without length control: {number(gain['changed_mean'], digits=digits, signed=True)})."
        )
    elif gain["num_near"]:
        found.append(
            f"Among the {plural(gain['num_near'], 'changed record')} whose length differs by at most "
            f"10{NO_BREAK}%, the gain is {_change(gain['near'], gain['near_interval'], digits)}; no line "
            "through all lengths can be drawn."
        )
    elif gain["num_changed"]:
        found.append("No changed record keeps its length, so the gain cannot be told from that of length.")
    return found


def _judge(judge: Data) -> list[str]:
    rates = judge["rates"]
    if not rates["num_pairs"]:
        return ["The judge gave no pair of readable verdicts, so there is no win rate."]
    wr1, controlled = rates["wr1"], judge["controlled"]
    text = (
        f"The judge prefers the revised version in {percent(wr1['value'])} of {count(rates['num_pairs'])} "
        f"changed pairs, ties counting half ({_half(wr1['interval'])})"
    )
    if controlled is None:
        text += "; a rate at equal length needs ten pairs, with longer and shorter revisions among them"
    else:
        text += (
            f"; at equal length in {percent(controlled['rate']['value'])} "
            f"({_half(controlled['rate']['interval'])})"
        )
    found = [text + "."]
    if judge["num_without"]:
        found.append(
            f"{plural(judge['num_without'], 'judged pair')} lack a readable verdict and are in no rate."
            if judge["num_without"] != 1
            else "1 judged pair lacks a readable verdict and is in no rate."
        )
    return found


def _half(interval: Data | None) -> str:
    """The interval of a win rate, and what it says of one half."""
    if interval is None:
        return "one pair has no interval"
    text = f"95{NO_BREAK}% interval {span(interval, as_percent=True)}"
    return (
        f"{text}, which contains one half: no preference found"
        if (interval["low"] <= 0.5 <= interval["high"])
        else text
    )


def _student(student: Data) -> str:
    last = student["epochs"][-1]
    behind = f"{plural(student['num_examples'], 'held-out record')}, {plural(student['num_seeds'], 'seed')}"
    low, high = last["interval"]["low"], last["interval"]["high"]
    span_text = f"95{NO_BREAK}% interval {span(last['interval'], digits=3)}"
    size = number(abs(last["difference"]), digits=3)
    if low <= 0 <= high:
        return (
            "No difference in held-out output loss was found between students tuned on either set "
            f"({number(last['difference'], digits=3, signed=True)} nats/token, {span_text} contains zero; "
            f"{behind})."
        )
    word = "lower" if high < 0 else "higher"
    return (
        f"The student tuned on the revised set has a held-out output loss {size} nats/token {word} "
        f"(after − before: {span_text}; {behind})."
    )


def _detectors(detectors: Data) -> list[str]:
    found = []
    for row in detectors["groups"]:
        if row["name"] == "any error or warning" or not (row["before"] or row["after"]):
            continue
        noun = "an error" if row["name"] == "any error" else "anything"
        found.append(
            f"Records in which a detector finds {noun} went from {count(row['before'])} to "
            f"{count(row['after'])} ({count(row['gone'])} gone, {count(row['new'])} new; "
            f"McNemar p {_equals(row['p'])})."
        )
    return found or ["No detector found anything, before or after."]


def _books(books: Data) -> list[str]:
    statuses = books["statuses"]
    parts = [f"{count(n)} {status.replace('_', ' ')}" for status, n in statuses.items() if n]
    return [f"Of {count(books['num_records'])} records that the coach was given: {', '.join(parts)}."]


def _equals(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def _change(value: float, interval: Data | None, digits: int) -> str:
    text = number(value, digits=digits, signed=True)
    if interval is None:
        return f"{text} (no interval from one pair)"
    contains = (
        ", which contains zero: no difference found" if interval["low"] <= 0 <= interval["high"] else ""
    )
    return f"{text} (95{NO_BREAK}% interval {span(interval, digits=digits)}{contains})"
