"""What can go wrong with partners and their keys."""

from hub.kernel.errors import HubError


class PartnerExistsError(HubError):
    """Another partner of this world has the reference."""

    code, title, status = "partner-exists", "A partner with this reference exists", 409


class LegalEntityExistsError(HubError):
    """The code belongs to another company: it is on documents, and does not change."""

    code, title, status = "legal-entity-exists", "Another company has this code", 409


class ContractExistsError(HubError):
    """One contract per partner and currency: whose books these are is one answer."""

    code, title, status = "contract-exists", "There is such a contract already", 409


class CredentialEndedError(HubError):
    """A key that has expired or was revoked has no successor."""

    code, title, status = "credential-ended", "This key has ended", 409


class UnknownZoneError(HubError):
    """Not a zone of the IANA database."""

    code, title, status = "unknown-zone", "This time zone is not known", 422


class UnknownCurrencyError(HubError):
    """Not a currency of ISO 4217."""

    code, title, status = "unknown-currency", "This currency is not known", 422


class WrongTaxIdError(HubError):
    """Not a VAT identifier: a country's two letters, then the number it gave out."""

    code, title, status = "wrong-tax-id", "This is not a VAT identifier", 422
