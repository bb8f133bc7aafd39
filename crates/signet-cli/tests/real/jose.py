"""Opens and makes tokens with jwcrypto, which knows nothing of Signet.

Reads one JSON document from standard input, because secrets do not belong on a command line, and writes one.
"""

import json
import sys

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwcrypto.common import base64url_decode, base64url_encode
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS


def derive(jwk, label):
    """The key for one purpose, HKDF without salt (RFC 5869)."""
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=label.encode())
    key = hkdf.derive(base64url_decode(jwk["k"]))
    return JWK(kty="oct", k=base64url_encode(key))


def read(ask, key):
    if ask["format"] == "sealed":
        token = JWE()
        token.deserialize(ask["token"], key=key)
        protected = token.objects["protected"]
    else:
        token = JWS()
        token.deserialize(ask["token"], key=key)
        protected = token.objects["protected"]
    return {"protected": protected, "payload": json.loads(token.payload)}


def make(ask, key):
    payload = json.dumps(ask["payload"], separators=(",", ":"), ensure_ascii=False)
    if ask["format"] == "sealed":
        token = JWE(payload.encode(), protected=ask["protected"])
        token.add_recipient(key)
    else:
        token = JWS(payload.encode())
        token.add_signature(key, protected=ask["protected"])
    return {"token": token.serialize(compact=True)}


ask = json.load(sys.stdin)
answer = {"read": read, "make": make}[ask["do"]](ask, derive(ask["jwk"], ask["label"]))
json.dump(answer, sys.stdout)
