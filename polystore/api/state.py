"""Which store is current: the one of the innermost ``with store:`` block, else the last one opened."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Protocol, TypeAlias

from polystore.engine.handle import Handle
from polystore.engine.saved import saved_of
from polystore.errors import ConfigurationError


class HandleSource(Protocol):
    """What a Store is, as far as models and querysets know."""

    def handle(self, model: type[Any], alias: str | None = None) -> Handle: ...


_Frame: TypeAlias = "tuple[HandleSource, _Frame | None]"
_bound: ContextVar[_Frame | None] = ContextVar("polystore_store", default=None)
_opened: list[HandleSource] = []


def current_store() -> HandleSource:
    """The current store.

    Raises:
        ConfigurationError: no store has been opened.
    """
    frame = _bound.get()
    if frame is not None:
        return frame[0]
    if not _opened:
        raise ConfigurationError('no store is open; open one first: Store({"default": "sqlite:///app.db"})')
    return _opened[-1]


def handle_of(model: type[Any], store: HandleSource | None = None, alias: str | None = None) -> Handle:
    """The model on its store."""
    return (store if store is not None else current_store()).handle(model, alias)


def handle_of_instance(instance: Any, store: HandleSource | None = None) -> Handle:
    """The instance's model on the store that it came from; a new instance goes where its model is routed."""
    saved = saved_of(instance)
    return handle_of(type(instance), store, None if saved is None else saved[0].store)


def note_opened(store: HandleSource) -> None:
    """Makes the store the default one."""
    _opened.append(store)


def note_closed(store: HandleSource) -> None:
    """Forgets the store as a default."""
    if store in _opened:
        _opened.remove(store)


def bind(store: HandleSource) -> None:
    """Makes the store current in this context, until ``unbind``."""
    _bound.set((store, _bound.get()))


def unbind() -> None:
    """Makes the store current that was so before the last ``bind``."""
    frame = _bound.get()
    _bound.set(frame[1] if frame is not None else None)
