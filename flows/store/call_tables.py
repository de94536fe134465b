"""The tables of what was asked and paid, and of how it ended.

`calls` is the ledger: a row is there before anything is sent, and all money and tokens derive from it. `budgets` has
what limits look at, kept in the same transactions. `attempts` has every outcome, `extractions` the best of a key.
"""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Integer, String, Table

from flows.store.tables import id_column, metadata, spent_columns
from flows.store.types import CleanJson, CleanText, Moment

attempts = Table(
    "attempts",
    metadata,
    id_column(),
    Column("extraction_id", ForeignKey("extractions.id"), nullable=False, index=True),
    Column("run_id", String, index=True),
    Column("recipe", String, nullable=False),
    Column("status", String, nullable=False),
    Column("kind", String),
    Column("cause", CleanText),
    Column("endpoint", String),
    Column("model", CleanText),
    Column("versions", CleanJson),
    Column("records", Integer, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cost_usd", Float, nullable=False),
    *spent_columns(),
    # Whether it became the extraction's outcome; a worse one does not.
    Column("counts", Boolean, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment, nullable=False),
)

calls = Table(
    "calls",
    metadata,
    # Given by who sends, ascending: several are written at once, and no row need be read back.
    Column("id", String, primary_key=True),
    Column("run_id", String, nullable=False, index=True),
    # The run that it is a part of: a bulk run's shards draw from one budget.
    Column("job_id", String, nullable=False, index=True),
    # The lease of the process that sent it.
    Column("held_by", String),
    # No foreign key: what was paid stays when a document goes.
    Column("extraction_id", BigInteger, index=True),
    Column("fingerprint", String, nullable=False, index=True),
    Column("endpoint", String, nullable=False),
    Column("model", CleanText, nullable=False),
    Column("sent_at", Moment, nullable=False, index=True),
    # At most; NULL where no price is known.
    Column("reserved_input", BigInteger, nullable=False),
    Column("reserved_output", BigInteger, nullable=False),
    Column("reserved_usd", Float),
    # While NULL, it is under way, or was lost with its process.
    Column("ended_at", Moment),
    Column("outcome", String),
    Column("status", Integer),
    # Whether the endpoint told, or showed, what it is to be counted as; until then its reservation counts.
    Column("settled", Boolean, nullable=False),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cached_tokens", BigInteger),
    Column("cost_usd", Float),
    Column("seconds", Float),
    Column("first_token_seconds", Float),
    # An unanswered call that counts against its question: others were answered meanwhile.
    Column("blamed", Boolean, nullable=False),
    # Who says to have answered.
    Column("answered_by", CleanText),
    Column("provider", CleanText),
    Column("answer_id", CleanText),
)

budgets = Table(
    "budgets",
    metadata,
    # `job:` and a run's id, or `day:` and a date (UTC).
    Column("id", String, primary_key=True),
    # Settled calls at their cost, the others at their reservation.
    Column("booked_usd", Float, nullable=False),
)
