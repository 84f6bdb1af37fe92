"""The chart of accounts. An account is one of these, per legal entity, party, currency.

Debit is positive. ``TICKETS`` is a commodity beside money: counts balance too.
"""

TICKETS = "TKT"

BANK = "asset:bank"
PSP = "asset:psp"
RECEIVABLE_AGENT = "receivable:agent"
RECEIVABLE_SUPPLIER = "receivable:supplier"
INVENTORY = "asset:inventory"
TAX_INPUT = "tax:input"
WITHHOLDING_CLAIM = "tax:withholding-claim"
SUSPENSE = "asset:suspense"
PAYABLE_SUPPLIER = "payable:supplier"
PAYABLE_AGENT = "payable:agent"
PAYABLE_SHARE = "payable:share"
DEFERRED_SUPPLIER = "payable:deferred"
RESERVE_SUPPLIER = "payable:reserve"
DEPOSIT_AGENT = "deposit:agent"
BUYER_REFUND = "payable:buyer-refund"
IN_TRANSIT = "payable:in-transit"
TAX_OUTPUT = "tax:output"
TAX_WITHHELD = "tax:withheld"
SPECIAL_FUND = "payable:special-fund"
BOX_OFFICE_TAX = "payable:box-office-tax"
INCOME_COMMISSION = "income:commission"
INCOME_SERVICE_FEE = "income:service-fee"
INCOME_BOOKING_FEE = "income:booking-fee"
INCOME_REFUND_FEE = "income:refund-fee"
INCOME_ADVERTISING = "income:advertising"
INCOME_VALUE_ADDED = "income:value-added"
INCOME_ADJUSTMENT = "income:adjustment"
INCOME_TICKETS = "income:tickets"
INCOME_SPREAD = "income:fx-spread"
INCOME_GUARANTEE = "income:guarantee"
EXPENSE_COMMISSION = "expense:commission"
EXPENSE_PROMOTION = "expense:promotion"
EXPENSE_PSP = "expense:psp-fee"
EXPENSE_CHARGEBACK = "expense:chargeback-fee"
EXPENSE_GUARANTEE = "expense:guarantee"
EXPENSE_ADJUSTMENT = "expense:adjustment"
EXPENSE_TICKETS = "expense:tickets"
EXPENSE_FX = "expense:fx"
TRADING = "equity:trading"
TICKETS_AGENT = "tickets:agent"
TICKETS_SUPPLIER = "tickets:supplier"

CHART = tuple(
    value
    for name, value in sorted(globals().items())
    if name.isupper() and ":" in str(value)
)
