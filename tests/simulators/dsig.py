"""XML-DSig by hand, so that it proves what a library makes of it at the hub."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"


@cache
def pair(name):
    """A key and its certificate, made once a process for each name."""
    key = rsa.generate_private_key(65_537, 2_048)
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def pem(made):
    """A key or a certificate as text."""
    if isinstance(made, x509.Certificate):
        return made.public_bytes(serialization.Encoding.PEM).decode()
    form = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    return made.private_bytes(serialization.Encoding.PEM, form, plain).decode()


def c14n(element):
    return etree.tostring(element, method="c14n", with_comments=True)


def digest(element):
    return base64.b64encode(hashlib.sha1(c14n(element)).digest()).decode()


def signed(document, part, key):
    """A document, with a signature of one of its parts put at its end."""
    info = etree.fromstring(
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{C14N}"/>'
        f'<ds:SignatureMethod Algorithm="{DS}rsa-sha1"/>'
        f'<ds:Reference URI="#{part.get("Id")}">'
        f'<ds:Transforms><ds:Transform Algorithm="{C14N}"/></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{DS}sha1"/>'
        f"<ds:DigestValue>{digest(part)}</ds:DigestValue>"
        "</ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"
    )
    document.append(info)
    value = key.sign(c14n(info[0]), padding.PKCS1v15(), hashes.SHA1())
    info[1].text = base64.b64encode(value).decode()
    return document


def is_signed(document, part, certificate):
    """Say whether a document has a good signature of one of its parts."""
    found = document.find(f"{{{DS}}}Signature")
    reference = found.find(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")
    told = reference.findtext(f"{{{DS}}}DigestValue").strip()
    if reference.get("URI") != f"#{part.get('Id')}" or told != digest(part):
        return False
    value = base64.b64decode(found.findtext(f"{{{DS}}}SignatureValue"))
    try:
        certificate.public_key().verify(
            value, c14n(found[0]), padding.PKCS1v15(), hashes.SHA1()
        )
    except InvalidSignature:
        return False
    return True
