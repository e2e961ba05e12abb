"""Forms about money. What is wrong is said at the field."""

from billing.forms.amounts import AmountField, Part, Waive
from billing.forms.drawers import CloseDrawer, MoveCash, OpenDrawer
from billing.forms.invoices import Credit, DraftInvoice
from billing.forms.payments import ChoosePackage, Deposit, SetPrice, TakeForVisits, TakePayment, UseDeposit
from billing.forms.refunds import AskRefund, DecideRefund, GiveDiscount, PayOut

__all__ = [
    "AmountField",
    "AskRefund",
    "ChoosePackage",
    "CloseDrawer",
    "Credit",
    "DecideRefund",
    "Deposit",
    "DraftInvoice",
    "GiveDiscount",
    "MoveCash",
    "OpenDrawer",
    "Part",
    "PayOut",
    "SetPrice",
    "TakeForVisits",
    "TakePayment",
    "UseDeposit",
    "Waive",
]
