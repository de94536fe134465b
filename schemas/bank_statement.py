"""The statement of a bank or card account."""

from typing import Any, ClassVar

from schemas.checks import Check, adds_up, in_order
from schemas.fields import Currency, Date, SignedMoney, field
from schemas.record import Record


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


def _movements(statement: Any) -> list[Any]:
    return [statement.opening_balance, *(entry.amount for entry in statement.transactions)]


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
        adds_up("movements_lead_to_closing_balance", _movements, "closing_balance"),
        in_order("period_in_order", "period_start", "period_end"),
    )
