"""The schemas that come with Octavo, by name."""

from pydantic import BaseModel

from schemas.bank_statement import BankStatement
from schemas.invoice import Invoice
from schemas.receipt import Receipt

BUILTIN: dict[str, type[BaseModel]] = {
    "invoice": Invoice,
    "receipt": Receipt,
    "bank_statement": BankStatement,
}
