"""Which rows of two answers are one: where it is sure, and nowhere else."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from extractors.answers.pairing import key_of, paired

COLUMNS = (("no",), ("part", "name"))


def rows(*told: Any) -> list[Any]:
    """Rows of a number and, where it is given, a name inside an object."""
    return [
        {"no": each} if not isinstance(each, tuple) else {"no": each[0], "part": {"name": each[1]}} for each in told
    ]


def pairs(one: list[Any], other: list[Any]) -> list[tuple[int | None, int | None]]:
    """Positions of the rows that are one."""
    return paired([key_of(row, COLUMNS) for row in one], [key_of(row, COLUMNS) for row in other])


def test_what_is_written_alike_is_one_before_what_means_the_same() -> None:
    """1.1 and 1.10 may be two numbers of sections, 01 and 1 two codes."""
    assert pairs(rows("1.1", "1.10"), rows("1.10", "1.1")) == [(0, 1), (1, 0)]
    assert pairs(rows("C", "C++", "C#"), rows("C#", "C++", "C")) == [(0, 2), (1, 1), (2, 0)]
    assert pairs(rows("A+", "A-"), rows("A-", "A+")) == [(0, 1), (1, 0)]


def test_two_spellings_of_one_value_are_one() -> None:
    """Where nothing else may be meant."""
    assert pairs(rows(("1", "Nut"), ("2", "Bolt")), rows(("2.0", "BOLT"), (1, " nut"))) == [(0, 1), (1, 0)]


def test_what_is_written_differently_in_one_answer_is_no_copy() -> None:
    """Of 1.1 and 1.10 nobody knows which one 1,1 is."""
    alone = pairs(rows("1.1", "1.10", "7"), rows("1,10", "1,1", "7"))
    assert sorted(map(repr, alone)) == sorted(map(repr, [(0, None), (1, None), (None, 0), (None, 1), (2, 2)]))


def test_copies_are_one_only_where_all_is_in_the_same_order() -> None:
    """Another order of other rows shows that the order of copies is nothing to go by; so of rows without any key."""
    copies = rows(("1", "a"), ("1", "a"), ("2", "b"))
    assert pairs(copies, copies) == [(0, 0), (1, 1), (2, 2)]
    assert (2, 0) in pairs(copies, [copies[2], *copies[:2]])
    assert sum(None in each for each in pairs(copies, [copies[2], *copies[:2]])) == 4
    nulls = rows((None, None), (None, None), ("3", None))
    assert sum(None in each for each in pairs(nulls, nulls[::-1])) == 4


KEYS = st.sampled_from(["1", "1.0", "01", "1.1", "1.10", "A+", "A-", "a", None, 1])


@given(
    st.lists(st.tuples(KEYS, KEYS), max_size=5).flatmap(
        lambda found: st.tuples(st.just(found), st.permutations(found))
    )
)
def test_no_row_is_paired_with_one_that_is_written_otherwise_while_its_own_is_there(
    made: tuple[list[Any], list[Any]],
) -> None:
    """Rows in any order: each that is written as no other is finds itself, whatever others mean."""
    one, other = (rows(*each) for each in made)
    found = pairs(one, other)
    assert sorted(at for at, _ in found if at is not None) == list(range(len(one)))
    assert sorted(there for _, there in found if there is not None) == list(range(len(other)))
    written = [key_of(row, COLUMNS).written for row in one]
    counts = Counter(written)
    for at, there in found:
        if at is not None and there is not None:
            assert key_of(other[there], COLUMNS).written == written[at]
        elif at is not None:
            assert counts[written[at]] > 1
