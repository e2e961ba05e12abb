from billing.models.account import Account
from billing.models.authorisation import Authorisation, covering
from billing.models.authorisation_parts import AuthorisationLetter, AuthorisationNote, AuthorisationUse
from billing.models.charge import Charge
from billing.models.claim import Claim, ClaimStep
from billing.models.claim_batch import BatchFile, BatchItem, ClaimBatch
from billing.models.claim_version import ClaimLine, ClaimVersion, ScrubFinding
from billing.models.denial import Appeal, AppealLetter, Denial
from billing.models.desk import DeskRules
from billing.models.discount import Discount
from billing.models.drawer import Drawer, DrawerMove
from billing.models.eligibility import EligibilityCheck
from billing.models.invoice import CreditLine, CreditNote, Invoice, InvoiceLine
from billing.models.journal import Book, JournalEntry, JournalLine, LedgerAccount
from billing.models.package import Package, PackageItem
from billing.models.payer_file import PayerFile, PayerFileContent
from billing.models.payer_move import PayerMove
from billing.models.payer_refund import PayerRefund
from billing.models.payment import Allocation, Payment
from billing.models.price import CONSULTATION, Kind, Price
from billing.models.procedure_code import BillingIdentity, ProcedureCode, ProviderNumber
from billing.models.purse import Purse
from billing.models.receipt import ReceiptPrint
from billing.models.refund import Refund, Void
from billing.models.reminder import DunningStep, Reminder
from billing.models.remittance import Remittance, RemittanceClaim

__all__ = [
    "CONSULTATION",
    "Account",
    "Allocation",
    "Appeal",
    "AppealLetter",
    "Authorisation",
    "AuthorisationLetter",
    "AuthorisationNote",
    "AuthorisationUse",
    "BatchFile",
    "BatchItem",
    "BillingIdentity",
    "Book",
    "Charge",
    "Claim",
    "ClaimBatch",
    "ClaimLine",
    "ClaimStep",
    "ClaimVersion",
    "CreditLine",
    "CreditNote",
    "Denial",
    "DeskRules",
    "Discount",
    "Drawer",
    "DrawerMove",
    "DunningStep",
    "EligibilityCheck",
    "Invoice",
    "InvoiceLine",
    "JournalEntry",
    "JournalLine",
    "Kind",
    "LedgerAccount",
    "Package",
    "PackageItem",
    "PayerFile",
    "PayerFileContent",
    "PayerMove",
    "PayerRefund",
    "Payment",
    "Price",
    "ProcedureCode",
    "ProviderNumber",
    "Purse",
    "ReceiptPrint",
    "Refund",
    "Reminder",
    "Remittance",
    "RemittanceClaim",
    "ScrubFinding",
    "Void",
    "covering",
]
