"""Rules that a schema declares over its own fields. A broken rule is an issue on the record, never a refusal."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

CENTS = Decimal("0.02")
_MARK = "octavo_check"
_Method = TypeVar("_Method", bound=Callable[[Any], str | None])


class Verdict(StrEnum):
    """What a check says of one record."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_CHECKED = "not_checked"
    """A value that the rule needs is not in the record: no alarm, and no all-clear either."""


class NotChecked(Exception):
    """Raised by a rule that cannot be told; its text names the field or the row that stopped it."""


@dataclass(frozen=True)
class Outcome:
    """What one check says of one record.

    Attributes:
        name: the check's.
        verdict: whether it holds.
        why: what is wrong, or what stopped it, in one line; "" where it holds.
    """

    name: str
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True)
class Check:
    """One rule.

    Attributes:
        name: what must hold, in snake case; it becomes the issue's path in the tables.
        broken: what is wrong with this record in one line, or None when the rule holds; raises `NotChecked`
            where it cannot be told.
    """

    name: str
    broken: Callable[[Any], str | None]

    def outcome(self, record: Any) -> Outcome:
        """What the rule says of a record."""
        try:
            wrong = self.broken(record)
        except NotChecked as stopped:
            return Outcome(self.name, Verdict.NOT_CHECKED, str(stopped))
        except Exception as error:  # noqa: BLE001 - a person's own code can raise anything; it is told as an issue
            return Outcome(self.name, Verdict.FAILS, f"the check itself failed: {type(error).__name__}: {error}")
        return Outcome(self.name, Verdict.HOLDS if wrong is None else Verdict.FAILS, wrong or "")


def check(method: _Method) -> _Method:
    """Makes a method of a model a check of its schema, under the method's name; also of a model inside another.

    The method gives None where its rule holds, or what is wrong in one line; it raises `NotChecked` where
    it cannot be told.
    """
    setattr(method, _MARK, True)
    return method


def checks_of(model: type) -> tuple[Check, ...]:
    """The checks of a model: those that it lists in `checks`, then its methods under `@check`."""
    methods: dict[str, Callable[[Any], str | None]] = {}
    for base in reversed(model.__mro__):
        for name, value in vars(base).items():
            methods.pop(name, None)
            if getattr(value, _MARK, False):
                methods[name] = value
    listed: tuple[Check, ...] = getattr(model, "checks", ())
    return (*listed, *(Check(name, method) for name, method in methods.items()))


def outcomes(record: Any) -> list[Outcome]:
    """What every check says of a record: its model's own, then those of the models inside it.

    A check of a row's model is told once for all rows, as `line_items.price_is_right`; its text names the first row
    that it is about, counted from 1.
    """
    own = [rule.outcome(record) for rule in checks_of(type(record))]
    told: dict[str, list[Outcome]] = {}
    for place, row, inner in _inside(record):
        for rule in checks_of(type(inner)):
            said = rule.outcome(inner)
            name = f"{place}.{said.name}"
            told.setdefault(name, []).append(Outcome(name, said.verdict, f"{row}{said.why}" if said.why else ""))
    return [*own, *(min(each, key=lambda said: _WORST.index(said.verdict)) for each in told.values())]


_WORST = (Verdict.FAILS, Verdict.NOT_CHECKED, Verdict.HOLDS)


def _inside(value: Any, place: str = "", row: str = "") -> Iterator[tuple[str, str, Any]]:
    """(place without positions, "row 2: " or "", model) of every model inside one, or inside a list."""
    if isinstance(value, list | tuple):
        for number, child in enumerate(value, start=1):
            yield from _inside(child, place, f"{row.removesuffix(': ')}{'.' if row else 'row '}{number}: ")
        return
    fields = getattr(type(value), "model_fields", None)
    if fields is None:
        return
    if place:
        yield place, row, value
    for name in fields:
        yield from _inside(getattr(value, name), f"{place}.{name}" if place else name, row)


def adds_up(name: str, parts: Callable[[Any], Iterable[Decimal | None]], total: str) -> Check:
    """A check that the parts sum to the field `total`, to the cent.

    With one of them missing it is not checked, unless the others, none of them negative, exceed the total.
    """

    def broken(record: Any) -> str | None:
        stated, printed = getattr(record, total), list(parts(record))
        if stated is None:
            raise NotChecked(f"{total} is missing")
        if not printed:
            raise NotChecked(f"there is nothing to add up to {total}")
        found, gap = summed(printed)
        # Each line may be rounded by itself, so the tolerance grows with the lines.
        tolerance = CENTS * max(1, len(printed) // 4)
        if gap is not None:
            if exceeds(printed, stated + tolerance):
                return f"the parts without part {gap} add up to {found}, more than {total}, which is {stated}"
            raise NotChecked(f"part {gap} of {total} has no amount")
        return None if abs(found - stated) <= tolerance else f"the parts add up to {found}, but {total} is {stated}"

    return Check(name, broken)


def summed(amounts: Iterable[Decimal | None]) -> tuple[Decimal, int | None]:
    """The sum of the amounts that are there, and the number of the first that is not, counted from 1."""
    found, gap = Decimal(0), None
    for number, amount in enumerate(amounts, start=1):
        if amount is None:
            gap = gap or number
        else:
            found += amount
    return found, gap


def exceeds(amounts: Iterable[Decimal | None], most: Decimal) -> bool:
    """Whether amounts, none of them negative, already sum to more than `most`: a missing one cannot mend that."""
    known = [amount for amount in amounts if amount is not None]
    return all(amount >= 0 for amount in known) and sum(known, Decimal(0)) > most >= 0


def in_order(name: str, earlier: str, later: str) -> Check:
    """A check that the date `later` is not before the date `earlier`."""

    def broken(record: Any) -> str | None:
        first: date | None = getattr(record, earlier)
        second: date | None = getattr(record, later)
        for field, value in ((earlier, first), (later, second)):
            if value is None:
                raise NotChecked(f"{field} is missing")
        if first is None or second is None or second >= first:
            return None
        return f"{later} {second} is before {earlier} {first}"

    return Check(name, broken)
