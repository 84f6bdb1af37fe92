"""XML-DSig as OTSAPI has it: enveloped, RSA with SHA-1, C14N with comments, by Id.

SHA-1 is the standard's, not our choice, and is allowed here and nowhere else. What a
signature does not cover is not trusted: a reply is what was signed, and no more.
"""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509 import Certificate
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureMethod,
)
from signxml.exceptions import SignXMLException
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from connectors.errors import NoAnswerError
from connectors.suppliers import xml

C14N = CanonicalizationMethod.CANONICAL_XML_1_0_WITH_COMMENTS
EXPECTED = SignatureConfiguration(
    location="./",
    signature_methods=frozenset({SignatureMethod.RSA_SHA1}),
    digest_algorithms=frozenset({DigestAlgorithm.SHA1}),
    default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
)

STUMBLES = (ValueError, TypeError, LookupError, AttributeError)  # of what is none


class _Signer(XMLSigner):
    """A signer that may use SHA-1."""

    def check_deprecated_methods(self) -> None:
        """Allow what the standard demands."""


def signed(document: etree._Element, part: str, key: RSAPrivateKey) -> str:
    """Return a document with a signature of the part that has an Id."""
    signer = _Signer(
        signature_algorithm=SignatureMethod.RSA_SHA1,
        digest_algorithm=DigestAlgorithm.SHA1,
        c14n_algorithm=C14N,
    )
    made = signer.sign(document, key=key, reference_uri=f"#{part}")
    return str(etree.tostring(made, encoding="unicode"))


def checked(said: str, name: str, certificate: Certificate) -> etree._Element:
    """Return the part of a reply that has a name, as it was signed by its sender.

    NoAnswerError if it was not, or by somebody else, or only something beside it.
    """
    document = xml.harmless(said)
    try:
        found = XMLVerifier().verify(
            document,
            x509_cert=certificate,
            expect_config=EXPECTED,
            parser=xml.parser(),
        )
    except (SignXMLException, etree.LxmlError, *STUMBLES) as error:
        said = f"its signature is not its own: {type(error).__name__} {error}"
        raise NoAnswerError(said[:200]) from error
    assert isinstance(found, VerifyResult)  # noqa: S101 - there is one reference
    part = found.signed_xml
    if part is not None and part.tag != name:  # all around it was signed
        part = part.find(name)
    if part is None or part.tag != name:
        raise NoAnswerError(f"{name} is not what was signed")
    return part
