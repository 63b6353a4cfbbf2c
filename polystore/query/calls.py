"""The functions that users write, by their public names."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from polystore.errors import FieldError, suggestion
from polystore.query.functions import Combinable, Combined, F
from polystore.query.keywords import Keyworded
from polystore.query.operators import DatePart, Function


class Call(Combinable, metaclass=Keyworded):
    """A function of some arguments: expressions, names of fields, or values (a text as ``Value("text")``)."""

    __slots__ = ("arguments",)
    function: Function

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.arguments))})"


class Coalesce(Call):
    """The first argument that is not NULL."""

    __slots__ = ()
    function = Function.COALESCE

    def __init__(self, first: Any, second: Any, /, *others: Any) -> None:
        super().__init__(first, second, *others)


class NullIf(Call):
    """The first argument; NULL when it equals the second."""

    __slots__ = ()
    function = Function.NULLIF

    def __init__(self, value: Any, other: Any, /) -> None:
        super().__init__(value, other)


class Extreme(Call):
    """The greatest or the least of some arguments, NULL when one of them is.

    Args:
        first, second, others: two or more expressions.
        ignore_nulls: take the extreme of those that are not NULL; NULL when all are.
    """

    __slots__ = ("ignore_nulls",)

    def __init__(self, first: Any, second: Any, /, *others: Any, ignore_nulls: bool = False) -> None:
        super().__init__(first, second, *others)
        self.ignore_nulls = ignore_nulls

    def of_those_there(self) -> Coalesce:
        """The same without regard to NULLs, said in functions that mind them."""
        found: Any = self.arguments[0]
        for other in self.arguments[1:]:
            found = Coalesce(type(self)(found, other), found, other)
        assert isinstance(found, Coalesce)
        return found


class Greatest(Extreme):
    """The greatest of the arguments; NULL when one of them is, unless ``ignore_nulls=True``."""

    __slots__ = ()
    function = Function.GREATEST


class Least(Extreme):
    """The least of the arguments; NULL when one of them is, unless ``ignore_nulls=True``."""

    __slots__ = ()
    function = Function.LEAST


class Concat(Call):
    """Texts joined; NULL counts as an empty one: ``Concat("first", Value(" "), "last")``."""

    __slots__ = ()
    function = Function.CONCAT

    def __init__(self, first: Any, second: Any, /, *others: Any) -> None:
        super().__init__(first, second, *others)


class _OfOne(Call):
    """A function of one argument."""

    __slots__ = ()

    def __init__(self, expression: Any, /) -> None:
        super().__init__(expression)


class Lower(_OfOne):
    """The text in lower case, character by character."""

    __slots__ = ()
    function = Function.LOWER


class Upper(_OfOne):
    """The text in upper case, character by character."""

    __slots__ = ()
    function = Function.UPPER


class Length(_OfOne):
    """The number of the text's characters (code points)."""

    __slots__ = ()
    function = Function.LENGTH


class Trim(_OfOne):
    """The text without spaces at its ends."""

    __slots__ = ()
    function = Function.TRIM


class LTrim(_OfOne):
    """The text without spaces at its beginning."""

    __slots__ = ()
    function = Function.LTRIM


class RTrim(_OfOne):
    """The text without spaces at its end."""

    __slots__ = ()
    function = Function.RTRIM


class Substr(Call):
    """``length`` characters of the text from ``position`` on, which counts from 1; without a length all."""

    __slots__ = ()
    function = Function.SUBSTR

    def __init__(self, expression: Any, position: int, length: int | None = None) -> None:
        numbers = [_whole("Substr", "position", position, 1)]
        if length is not None:
            numbers.append(_whole("Substr", "length", length, 0))
        super().__init__(expression, *numbers)


class Replace(Call):
    """The text with each ``old`` replaced by ``new``; an empty ``old`` changes nothing."""

    __slots__ = ()
    function = Function.REPLACE

    def __init__(self, expression: Any, old: Any, new: Any) -> None:
        super().__init__(expression, old, new)


class Left(Call):
    """The first characters of the text."""

    __slots__ = ()
    function = Function.LEFT

    def __init__(self, expression: Any, length: int) -> None:
        super().__init__(expression, _whole("Left", "length", length, 0))


class Right(Call):
    """The last characters of the text."""

    __slots__ = ()
    function = Function.RIGHT

    def __init__(self, expression: Any, length: int) -> None:
        super().__init__(expression, _whole("Right", "length", length, 0))


class Abs(_OfOne):
    """The number without its sign."""

    __slots__ = ()
    function = Function.ABS


class Ceil(_OfOne):
    """The least whole number that is not below."""

    __slots__ = ()
    function = Function.CEIL


class Floor(_OfOne):
    """The greatest whole number that is not above."""

    __slots__ = ()
    function = Function.FLOOR


class Round(Call):
    """The number rounded to some decimal places, a half to the even neighbour. Negative places round tens."""

    __slots__ = ()
    function = Function.ROUND

    def __init__(self, expression: Any, precision: int = 0) -> None:
        places = _whole("Round", "precision", precision, -30, 30)
        super().__init__(*([expression, places] if places else [expression]))


class Power(Call):
    """The first number to the power of the second, a float."""

    __slots__ = ()
    function = Function.POWER

    def __init__(self, base: Any, exponent: Any) -> None:
        super().__init__(base, exponent)


class Sqrt(_OfOne):
    """The square root, a float; of a negative number a DataError."""

    __slots__ = ()
    function = Function.SQRT


class Now(Call):
    """The moment at which the query runs, by the store's clock where it has one; one moment for all rows."""

    __slots__ = ()
    function = Function.NOW

    def __init__(self) -> None:
        super().__init__()


class Cast(Combinable, metaclass=Keyworded):
    """The value as another type: int, float, Decimal, str or date. A number loses what follows its point as an int."""

    __slots__ = ("expression", "target")

    def __init__(self, expression: Any, target: type[Any]) -> None:
        self.expression, self.target = expression, target

    def __repr__(self) -> str:
        return f"Cast({self.expression!r}, {getattr(self.target, '__name__', self.target)})"


class _OfMoment(Combinable, metaclass=Keyworded):
    """A function of a date, time or datetime and one of its parts."""

    __slots__ = ("expression", "part", "zone")

    def __init__(self, expression: Any, part: str, *, tzinfo: tzinfo | None = None) -> None:
        self.expression = expression
        self.part = _part(type(self).__name__, part)
        self.zone = _zone(type(self).__name__, tzinfo)

    def __repr__(self) -> str:
        where = "" if self.zone is None else f", tzinfo={self.zone}"
        return f"{type(self).__name__}({self.expression!r}, {self.part.value!r}{where})"


class Extract(_OfMoment):
    """A part of a date, time or datetime: ``Extract("sold", "month")``; by UTC, or by the clocks of ``tzinfo``."""

    __slots__ = ()


class Trunc(_OfMoment):
    """The beginning of the year, quarter, month, week, day, hour, minute or second that a date or datetime lies in.

    ``Trunc("sold", "month")``; by UTC, or by the clocks of ``tzinfo``.
    """

    __slots__ = ()


def Mod(left: Any, right: Any, /) -> Combined:  # noqa: N802 a function by the name users know
    """The remainder, with the dividend's sign: the same as ``F("left") % F("right")``."""
    return Combined("%", *(F(side) if isinstance(side, str) else side for side in (left, right)))


# ---- arguments


def _whole(function: str, name: str, value: Any, least: int, most: int = 2**31 - 1) -> int:
    if type(value) is not int or not least <= value <= most:
        raise FieldError(f"{function}: {name} is an int from {least} to {most}, not {value!r}")
    return value


def _part(function: str, word: Any) -> DatePart:
    try:
        return DatePart(word)
    except ValueError:
        known = [part.value for part in DatePart]
        near = suggestion(word, known)
        raise FieldError(
            f"{function}: {word!r} is no part of a date or time; they are {', '.join(known)}{near}"
        ) from None


def _zone(function: str, given: Any) -> str | None:
    if given is None or given is UTC:
        return None
    if isinstance(given, ZoneInfo) and given.key is not None:
        return None if given.key == "UTC" else given.key
    raise FieldError(f"{function}: tzinfo takes zoneinfo.ZoneInfo(name) or datetime.UTC, not {given!r}")
