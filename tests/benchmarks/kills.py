"""200 documents, killed 20 times at random moments, on each database: prints what is there in the end.

python tests/benchmarks/kills.py [--documents 200] [--kills 20] [--seed 1]
"""

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from kills import kill_at_random, make_inbox
from stores import fresh_url


def main() -> None:
    """Both databases, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    wished = parser.parse_args()
    for database in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            inbox = make_inbox(folder / "inbox", wished.documents)
            killed = kill_at_random(inbox, fresh_url(database, folder), kills=wished.kills, seed=wished.seed)
            print(f"{database}: {wished.documents} documents, {wished.kills} kills")
            for name, value in asdict(killed).items():
                print(f"  {name:16} {value}")
            assert killed.documents == killed.complete == killed.records == killed.replies == wished.documents
            assert killed.asked_again == 0


if __name__ == "__main__":
    main()
