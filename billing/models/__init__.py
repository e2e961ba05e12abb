from billing.models.account import Account
from billing.models.charge import Charge
from billing.models.payment import Allocation, Payment
from billing.models.price import CONSULTATION, Kind, Price

__all__ = ["CONSULTATION", "Account", "Allocation", "Charge", "Kind", "Payment", "Price"]
