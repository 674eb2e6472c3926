"""The skill `customer-service`: recognises what a customer wants and gives the response written for it."""

from autogen.skills.customer_service.kind import CustomerServiceKind

SKILL = CustomerServiceKind()
