"""Each of the four dependencies away for a while under each command: what was lost, done twice or paid again.

    PYTHONPATH=.:tests/support python tests/benchmarks/chaos.py [--seconds 1 10] [--long] [--how refuse hang]
        [--command extract listen consume bulk] [--away endpoint store source queue] [--patience 120] [--documents 40]

Real parts on loopback: PostgreSQL, moto's S3 and SQS with a dead-letter queue, a scripted model, each behind a gate
of its own that is shut in the middle of the work. `--long` adds 120 s. Fails unless all is there once and the exit
code is 0; `again` counts questions that were asked more than once beside those in flight when the endpoint went.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from outages import AWAY, COMMANDS, house, suffer


def main() -> int:
    """The table; 1 where something is not well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, nargs="+", default=[1.0, 10.0])
    parser.add_argument("--long", action="store_true", help="120 s too")
    parser.add_argument("--how", nargs="+", default=["refuse"], choices=["refuse", "hang"])
    parser.add_argument("--command", nargs="+", default=COMMANDS[:3], choices=COMMANDS)
    parser.add_argument("--away", nargs="+", default=AWAY, choices=AWAY)
    parser.add_argument("--patience", type=float, default=120.0, help="OCTAVO_GIVE_UP_AFTER")
    parser.add_argument("--documents", type=int, default=40)
    wished = parser.parse_args()
    heads = f"{'lost':>5} {'twice':>5} {'again':>5} {'dead':>5} {'exit':>5}"
    print(f"{'away':9} {'how':7} {'s':>5}  {'command':8} {heads}")
    bad = 0
    with tempfile.TemporaryDirectory(prefix="octavo-chaos-") as folder:
        number = 0
        for away in wished.away:
            for how in wished.how:
                for seconds in [*wished.seconds, *([120.0] if wished.long else [])]:
                    for command in wished.command:
                        if away == "queue" and command != "consume":
                            continue
                        number += 1
                        with house(Path(folder) / str(number), wished.documents, wished.patience) as made:
                            came = suffer(made, command, (away,), seconds, how)
                        print(
                            f"{away:9} {how:7} {seconds:5.0f}  {command:8} {came.lost:5} {came.twice:5} "
                            f"{came.again:5} {came.dead:5} {came.code:5}", flush=True,
                        )  # fmt: skip
                        if not came.well:
                            bad += 1
                            print("   " + came.told.replace("\n", "\n   "), flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
