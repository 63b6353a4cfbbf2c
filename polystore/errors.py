"""Every error that polystore raises, one tree.

PolystoreError
├── ConfigurationError          a store, a route or a URL that cannot work
│   └── MissingDriver           the extra that would bring the driver is named
├── ModelError                  a class that cannot become a model
├── FieldError                  an unknown name, lookup or a value of the wrong kind (also a ValueError)
├── InvalidCursor               a cursor of other pages, or one that was changed (also a ValueError)
├── QueryUsageError             calls in an order that has no meaning (also a TypeError)
│   └── TransactionManagementError   what needs a transaction, outside of one
├── ValidationError             a value that its field does not accept (also a ValueError)
├── DoesNotExist                no row where one was asked for
├── MultipleObjectsReturned     several rows where one was asked for
├── NotSupportedError           the store cannot do this; raised before any I/O
│   ├── IndexRequired           it could with an index
│   ├── QueryTooBroad           it could with a larger budget
│   └── CrossStoreTransaction
├── IntegrityError
│   ├── UniqueViolation, ForeignKeyViolation, CheckViolation, NotNullViolation, ProtectedError
│   └── BulkWriteError          part of a batch was written; ``outcomes`` tells which
├── ConcurrencyError
│   └── StaleObject
├── StoreUnavailable            the server cannot be reached
└── DataError                   the store refused or cannot hold a value

PolystoreWarning (a UserWarning)
├── UniquenessWarning           get_or_create() by fields of which several rows may have the same values
└── NullInListWarning           None in the list of an ``in``, where it matches nothing

Each message names the model, the field, what was given and what would work; the driver's error is the cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class PolystoreError(Exception):
    """The root of all errors raised by polystore."""


class ConfigurationError(PolystoreError):
    """A store, a route or a URL that cannot work."""


class MissingDriver(ConfigurationError, ImportError):
    """The driver of a store is not installed; the message names the extra that brings it."""


class ModelError(PolystoreError, TypeError):
    """A class that cannot become a model."""


class FieldError(PolystoreError, ValueError):
    """An unknown field or lookup, or a value that a lookup cannot take."""


class InvalidCursor(PolystoreError, ValueError):
    """A cursor that these pages did not give out: of another order or secret, or changed on its way."""


class QueryUsageError(PolystoreError, TypeError):
    """Query calls in an order that has no meaning, such as filtering a slice."""


class TransactionManagementError(QueryUsageError):
    """Something that has a meaning only within a transaction was asked for outside of one; nothing was sent."""


class ValidationError(PolystoreError, ValueError):
    """Values that their fields do not accept; nothing was written.

    Args:
        message: the whole text.
        errors: one (field name, reason) pair for each refused field.
    """

    def __init__(self, message: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class DoesNotExist(PolystoreError, LookupError):
    """No row where one was asked for; every model has a subclass of its own."""


class MultipleObjectsReturned(PolystoreError, LookupError):
    """Several rows where one was asked for; every model has a subclass of its own."""


class NotSupportedError(PolystoreError):
    """The store cannot do this; raised before any I/O, with what would work."""


class IndexRequired(NotSupportedError):
    """The store answers this only from an index that is not declared."""


class QueryTooBroad(NotSupportedError):
    """More rows than the budget of a client-side stage or of the adapter allows."""


class CrossStoreTransaction(NotSupportedError):
    """One transaction over stores that cannot share one."""


class IntegrityError(PolystoreError):
    """A constraint refused the write.

    Args:
        message: the whole text.
        model: name of the model.
        fields: the fields of the constraint, where they can be told.
        constraint: the constraint's name in the store, where it can be told.
    """

    def __init__(
        self, message: str, *, model: str | None = None, fields: Sequence[str] = (), constraint: str | None = None
    ) -> None:
        super().__init__(message)
        self.model = model
        self.fields = tuple(fields)
        self.constraint = constraint


class UniqueViolation(IntegrityError):
    """Another row already holds the value of a unique constraint."""


class ForeignKeyViolation(IntegrityError):
    """A reference to a row that does not exist, or the removal of one that is referred to."""


class CheckViolation(IntegrityError):
    """A check constraint is false for the row."""


class NotNullViolation(IntegrityError):
    """NULL where the store requires a value."""


class ProtectedError(IntegrityError):
    """A row that cannot be deleted because protected rows refer to it."""


class BulkWriteError(IntegrityError):
    """Part of a batch was written on a store without transactions.

    Args:
        message: the whole text.
        outcomes: for each object of the batch, in order: None when it was written, else its error.
    """

    def __init__(self, message: str, *, outcomes: Sequence[PolystoreError | None], model: str | None = None) -> None:
        super().__init__(message, model=model)
        self.outcomes = tuple(outcomes)


class ConcurrencyError(PolystoreError):
    """Another writer was in the way; trying again may work when ``retryable`` is true."""

    retryable = True


class StaleObject(ConcurrencyError):
    """The row has changed since this instance was loaded."""

    retryable = False


class StoreUnavailable(PolystoreError, ConnectionError):
    """The server of a store cannot be reached; ``store`` is the name that the store is configured under."""

    store: str | None = None


class DataError(PolystoreError, ArithmeticError):
    """A value that the store cannot hold or an expression that it cannot compute, such as an int64 overflow."""


class PolystoreWarning(UserWarning):
    """The root of all warnings; each is given once for a model and its fields."""


class UniquenessWarning(PolystoreWarning):
    """``get_or_create`` by fields without a unique constraint, so that two writers may make two rows."""


class NullInListWarning(PolystoreWarning):
    """None in the list of an ``in`` matches nothing; ``isnull`` asks for NULL."""


_LIKENESS = 0.7
"""How alike a name must be to be suggested: a letter or two may differ, not the word."""


def suggestion(given: object, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: ``; did you mean 'title'?``, or nothing where no known name is near.

    Args:
        given: what was given in place of a name.
        known: the names there are.
    """
    names = list(known)
    if not isinstance(given, str) or given in names:
        return ""
    by_folded = {name.casefold(): name for name in names}
    near = get_close_matches(given.casefold(), by_folded, 1, _LIKENESS)
    return f"; did you mean {by_folded[near[0]]!r}?" if near else ""
