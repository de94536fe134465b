"""Lost rows and invented ones, as two rates over tables with known rows.

    python tests/benchmarks/bench_rows.py [--tables 330] [--seed 0] [--verbose]

Each table's true answer must pass without a word; answers that lose rows at the head, in the middle, at the tail,
every second one or just one, or that repeat one, must not.
"""

import argparse
import random
import sys
from collections import Counter, defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "support")]

from lost_rows import LOSSES, Table, lose, repeat, table

from extractors.answers.completeness import repeated_rows, unread_rows
from extractors.answers.grounding import ground
from schemas.leaves import leaves_of

SEVERAL, ONE, RIGHT = 2.0, 10.0, 1.0
"""Per cent of answers that lost several rows, or one, and end in silence; of right ones that get an issue."""


def main() -> int:
    """Prints the rates; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=330)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    tried, silent, alarms = Counter[str](), Counter[str](), Counter[str]()
    which = defaultdict(list)
    for seed in range(options.seed, options.seed + options.tables):
        made, dice = table(seed), random.Random(seed)
        if told(made, made.record):
            alarms[made.kind] += 1
            which["right"].append((seed, made.kind, told(made, made.record)))
        tried["right"] += 1
        for how in LOSSES:
            wrong = lose(made.record, how, dice.randint(3, 8), dice)
            several = "one" if how == "one" else "several"
            tried[several] += 1
            if not told(made, wrong):
                silent[several] += 1
                which[several].append((seed, made.kind, how, len(made.record["items"])))
        tried["repeated"] += 1
        if not told(made, repeat(made.record, dice)):
            silent["repeated"] += 1
            which["repeated"].append((seed, made.kind))
    for name, goal in (("several", SEVERAL), ("one", ONE), ("repeated", ONE)):
        share = 100 * silent[name] / tried[name]
        print(f"{name + ', in silence':24}{silent[name]:5} of {tried[name]:5}  {share:6.2f} %  (goal {goal} %)")
    share = 100 * alarms.total() / tried["right"]
    print(f"{'right, with an issue':24}{alarms.total():5} of {tried['right']:5}  {share:6.2f} %  (goal {RIGHT} %)")
    for name, each in which.items() if options.verbose else ():
        print(name, *each, sep="\n    ")
    missed = silent["several"] > SEVERAL / 100 * tried["several"] or silent["one"] > ONE / 100 * tried["one"]
    return int(missed or alarms.total() > RIGHT / 100 * tried["right"])


def told(made: Table, answer: dict) -> list[str]:
    """What is said of an answer's rows."""
    evidence = ground(answer, made.pages, leaves_of(made.schema))
    pages = {number: seen.words for number, seen in made.pages.items()}
    missing = unread_rows(answer, evidence, pages, ("items",))
    return [f"page {page}: {each.missing} of {each.rows}" for page, each in missing.items()] + list(
        repeated_rows(answer, evidence, ("items",))
    )


if __name__ == "__main__":
    sys.exit(main())
