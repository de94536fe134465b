"""The statement of a bank or card account."""

from decimal import Decimal
from typing import Any, ClassVar

from schemas.checks import Check, NotChecked, in_order
from schemas.fields import Currency, Date, SignedMoney, field
from schemas.record import Record
from schemas.sums import Row, broken_balance, near


class Transaction(Record):
    """One movement on the account."""

    date: Date | None = field("Day of booking", labels=["Date", "Transaction date", "Buchungstag", "Datum"])
    description: str | None = field(
        "What it was for",
        labels=["Description", "Details", "Transaction", "Verwendungszweck", "Libellé", "Text"],
    )
    amount: SignedMoney | None = field(
        "Amount; money that leaves the account is negative",
        labels=[
            "Amount",
            "Betrag",
            "Montant",
            "Umsatz",
            "Debit",
            "Credit",
            "Withdrawals",
            "Deposits",
            "Paid out",
            "Paid in",
        ],
    )
    balance: SignedMoney | None = field("Balance after it", labels=["Balance", "Saldo", "Solde", "Kontostand"])


def _rows(statement: Any) -> list[Row]:
    return [Row(entry.description or "", entry.amount, entry.balance) for entry in statement.transactions]


def _opening(statement: Any, rows: list[Row]) -> Decimal | None:
    """The opening balance, or that of a first row which carries it."""
    stated: Decimal | None = statement.opening_balance
    if stated is None and rows and rows[0].carried:
        return rows[0].amount if rows[0].balance is None else rows[0].balance
    return stated


def _movements(statement: Any) -> str | None:
    rows = _rows(statement)
    opening, closing = _opening(statement, rows), statement.closing_balance
    if opening is None or closing is None:
        raise NotChecked("opening_balance or closing_balance is missing")
    own = [row for row in rows if not row.carried]
    amounts = [row.amount for row in own if row.amount is not None]
    if len(amounts) < len(own):
        number = next(number for number, row in enumerate(rows, 1) if row.amount is None and not row.carried)
        raise NotChecked(f"transaction {number} ({rows[number - 1].text[:40]}) has no amount")
    moved = sum(amounts, Decimal(0))
    # A card's statement prints what is owed without a minus, and has no running balance.
    owed = all(row.balance is None for row in rows)
    if near(opening + moved, closing, statement.currency) or (
        owed and near(opening - moved, closing, statement.currency)
    ):
        return None
    return f"{opening} and the movements lead to {opening + moved}, but closing_balance is {closing}"


def _running(statement: Any) -> str | None:
    rows = _rows(statement)
    return broken_balance(rows, _opening(statement, rows), statement.currency)


class BankStatement(Record):
    """A statement of account."""

    bank: str | None = field("Name of the bank")
    account_holder: str | None = field(
        "Who owns the account", labels=["Account holder", "Account name", "Kontoinhaber", "Titulaire"]
    )
    account_number: str | None = field(
        "Number or IBAN of the account",
        labels=["Account number", "Account No.", "IBAN", "Kontonummer", "Compte"],
    )
    period_start: Date | None = field(
        "First day of the statement", labels=["Statement period", "Period", "From", "Zeitraum", "Von", "Du"]
    )
    period_end: Date | None = field(
        "Last day of the statement",
        labels=["Statement period", "Statement date", "To", "Until", "Bis", "Au"],
        merge="last",
    )
    currency: Currency | None = field("Currency of the amounts", labels=["Currency", "Währung", "Devise"])
    opening_balance: SignedMoney | None = field(
        "Balance before the first transaction",
        labels=["Opening balance", "Previous balance", "Balance brought forward", "Alter Saldo", "Anfangssaldo",
                "Ancien solde"],
    )  # fmt: skip
    closing_balance: SignedMoney | None = field(
        "Balance after the last transaction",
        labels=[
            "Closing balance",
            "New balance",
            "Ending balance",
            "Neuer Saldo",
            "Endsaldo",
            "Nouveau solde",
        ],
        merge="last",
    )
    transactions: list[Transaction] = field("Every movement, in order", default=[])

    checks: ClassVar[tuple[Check, ...]] = (
        Check("movements_lead_to_closing_balance", _movements),
        Check("running_balance_fits", _running),
        in_order("period_in_order", "period_start", "period_end"),
    )
