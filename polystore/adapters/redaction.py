"""URLs as errors, logs and reprs may show them."""

from __future__ import annotations

import re

_USER = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?[^:/?#]*")
_SECRET_OPTION = re.compile(r"([?&][^=&]*(?:pass|secret|token|key|properties)[^=&]*=)[^&]*", re.IGNORECASE)


def redacted(url: str) -> str:
    """The URL with *** for its password and for options that sound like secrets.

    A password whose special characters are not escaped is hidden as well: whatever stands between the user's name and
    the last @ is taken for it.
    """
    head, at, place = url.rpartition("@")
    user = _USER.match(head)
    if at and user is not None and user.end() < len(head):
        url = f"{user.group()}:***@{place}"
    return _SECRET_OPTION.sub(r"\1***", url)
