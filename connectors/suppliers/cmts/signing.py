"""The signature of a call: sixteen hex digits out of an MD5. Golden vectors test it.

Source: public clients of the interface; see README.md. MD5 is theirs, not our choice.
"""

import hashlib
from collections.abc import Iterable
from urllib.parse import quote_plus


def signature(app_code: str, said: Iterable[str], secret: str) -> str:
    """Return ``pVerifyInfo``: of the code, the parameters in their order, the secret.

    They are put together, URL-encoded, in lower case; of the digest the middle is sent.
    """
    text = quote_plus(app_code + "".join(said) + secret).lower()
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[8:24]
