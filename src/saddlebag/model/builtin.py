"""The built-in entities: what a sales organisation has whatever it sells.

Belongs here: declarations only. Masters and policies follow one rule: what the office or the ERP decides (billing,
stock,
price, credit) is server-wins, what the field worker saw (visit notes) is device-wins, free text that many add to
appends.
"""

from __future__ import annotations

from typing import Any

from saddlebag.kernel import limits
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Field, Kind, Master, Policy, SyncClass, Urgency

_ERP: dict[str, Any] = {"policy": Policy.SERVER_WINS, "master": Master.ERP}
_HUB_ONLY: dict[str, Any] = {"sync": SyncClass.HUB}


def _ref(name: str, target: str, doc: str, **more: Any) -> Field:
    return Field(name, Kind.REFERENCE, doc, target=target, **more)


def _text(name: str, doc: str, length: int = 0, **more: Any) -> Field:
    return Field(name, Kind.STRING, doc, length=length, **more)


def _money(name: str, doc: str, **more: Any) -> Field:
    return Field(name, Kind.DECIMAL, doc, **{"digits": 16, "scale": 2, "unit": "currency", **more})


def _quantity(name: str, doc: str, **more: Any) -> Field:
    return Field(name, Kind.DECIMAL, doc, **{"digits": 16, "scale": 3, "unit": "unit", **more})


def _date(name: str, doc: str, **more: Any) -> Field:
    return Field(name, Kind.DATE, doc, **more)


def _currency(**more: Any) -> Field:
    return _text("currency", "Currency of the amounts as an ISO 4217 code.", 3, **more)


USER = Entity(
    "User",
    "Users",
    "A person or service account that works with the hub.",
    (
        _text("name", "Full name.", 120, required=True, policy=Policy.SERVER_WINS),
        _text("email", "Business e-mail address.", 254, policy=Policy.SERVER_WINS),
        _text("phone", "Business telephone number.", 40, policy=Policy.SERVER_WINS),
        _text("login", "Name that the user logs in with.", 64, required=True, policy=Policy.SERVER_WINS, **_HUB_ONLY),
        Field(
            "role",
            Kind.CODE,
            "What the user may do.",
            required=True,
            values=("rep", "manager", "integration", "admin"),
            policy=Policy.SERVER_WINS,
            **_HUB_ONLY,
        ),
        _ref("territory", "Territory", "Territory that the user works in.", policy=Policy.SERVER_WINS, **_HUB_ONLY),
        Field(
            "active", Kind.BOOLEAN, "Whether the user may log in.", default=True, policy=Policy.SERVER_WINS, **_HUB_ONLY
        ),
    ),
    keys=("login",),
)

TERRITORY = Entity(
    "Territory",
    "Territories",
    "A sales area; territories form a tree.",
    (
        _text("code", "Short code, unique in the tenant.", 40, required=True, policy=Policy.SERVER_WINS),
        _text("name", "Name of the area.", 120, required=True, policy=Policy.SERVER_WINS),
        _ref("parent", "Territory", "The larger territory that this one belongs to.", policy=Policy.SERVER_WINS),
    ),
    keys=("code",),
    merges=True,
)

PARTNER = Entity(
    "Partner",
    "Partners",
    "A reseller, agent or other company that sells with us.",
    (
        _text("number", "Partner number, unique in the tenant.", 40, required=True),
        _text("name", "Name of the company.", 160, required=True),
        Field(
            "kind",
            Kind.CODE,
            "What the partner does.",
            values=("reseller", "agent", "distributor", "supplier", "other"),
            default="other",
        ),
        _text("email", "E-mail address.", 254),
        _text("phone", "Telephone number.", 40),
        _text("country", "Country as an ISO 3166-1 alpha-2 code.", 2),
    ),
    keys=("number",),
    merges=True,
)

CUSTOMER = Entity(
    "Customer",
    "Customers",
    "A company or person that buys, or may.",
    (
        _text("number", "Customer number, unique in the tenant.", 40),
        _text("name", "Name of the company, or full name of the person.", 160, required=True),
        Field(
            "kind",
            Kind.CODE,
            "Whether the customer is a company or a person.",
            values=("company", "person"),
            default="company",
        ),
        Field(
            "status",
            Kind.CODE,
            "Standing of the relation.",
            values=("prospect", "active", "dormant", "lost"),
            default="prospect",
        ),
        _ref("owner", "User", "Sales representative responsible.", policy=Policy.SERVER_WINS),
        _ref("territory", "Territory", "Territory that the customer belongs to.", policy=Policy.SERVER_WINS),
        _ref("parent", "Customer", "The customer that owns this one."),
        Field("segments", Kind.TAGS, "Segments that the customer is counted in.", policy=Policy.UNION),
        _text("industry", "Line of business.", 80),
        _text("email", "General e-mail address.", 254),
        _text("phone", "Telephone number.", 40),
        _text("website", "Web address.", 255),
        _text("street", "Street and number of the visiting address.", 160),
        _text("postcode", "Postal code of the visiting address.", 20),
        _text("city", "Town of the visiting address.", 80),
        _text("region", "State or region of the visiting address.", 80),
        _text("country", "Country as an ISO 3166-1 alpha-2 code.", 2),
        _text("billingStreet", "Street and number of the billing address.", 160),
        _text("billingPostcode", "Postal code of the billing address.", 20),
        _text("billingCity", "Town of the billing address.", 80),
        _text("billingCountry", "Country of the billing address as an ISO 3166-1 alpha-2 code.", 2),
        _currency(policy=Policy.SERVER_WINS),
        _money("creditLimit", "Most that the customer may owe.", **_ERP),
        Field(
            "creditStanding",
            Kind.CODE,
            "Whether the customer may buy on credit.",
            values=("good", "watch", "blocked"),
            **_ERP,
        ),
        Field(
            "notes",
            Kind.TEXT,
            "What is worth knowing; edits from the field are added with their author.",
            policy=Policy.APPEND,
        ),
        _text("taxNumber", "VAT or tax registration number.", 40, **_HUB_ONLY),
    ),
    keys=("number",),
    customer="id",
    owner="owner",
    merges=True,
    urgency=Urgency.NOW,
)

CONTACT = Entity(
    "Contact",
    "Contacts",
    "A person at a customer.",
    (
        _ref("customer", "Customer", "Customer that the person works for.", required=True),
        _text("firstName", "Given name.", 80),
        _text("lastName", "Family name.", 80, required=True),
        _text("title", "Position in the company.", 80),
        _text("email", "E-mail address.", 254),
        _text("phone", "Telephone number.", 40),
        _text("mobile", "Mobile telephone number.", 40),
        Field("primary", Kind.BOOLEAN, "Whether this is the first person to call.", default=False),
        Field("notes", Kind.TEXT, "What is worth knowing about the person.", policy=Policy.APPEND),
    ),
    customer="customer",
    label="lastName",
    merges=True,
)

_OPEN = ("prospect", "qualify", "propose", "negotiate")
OPEN_STAGES = _OPEN
"""The stages of a deal that is still to be won."""
CLOSED_STAGES = ("won", "lost")
"""The stages of a deal that is decided."""

DEAL = Entity(
    "Deal",
    "Deals",
    "A sale that is being worked on, won or lost.",
    (
        _text("number", "Deal number, unique in the tenant.", 40),
        _ref("customer", "Customer", "Customer that would buy.", required=True),
        _ref("owner", "User", "Sales representative responsible.", policy=Policy.SERVER_WINS),
        _ref("partner", "Partner", "Partner that takes part in the sale."),
        _text("title", "What the deal is about.", 160, required=True),
        Field(
            "stage",
            Kind.CODE,
            "How far the deal has come.",
            values=(*_OPEN, *CLOSED_STAGES),
            default="prospect",
            policy=Policy.STATE_MACHINE,
            transitions=tuple(
                (stage, tuple(each for each in (*_OPEN, *CLOSED_STAGES) if each != stage)) for stage in _OPEN
            ),
        ),
        _money("amount", "Value of the deal.", minimum=0),
        _currency(),
        Field("probability", Kind.INTEGER, "Chance of winning.", unit="percent", minimum=0, maximum=100),
        _date("closeDate", "Day that the decision is expected."),
        _text("nextStep", "What happens next.", 255, policy=Policy.DEVICE_WINS),
        Field(
            "notes",
            Kind.TEXT,
            "What was learned; edits from the field are added with their author.",
            policy=Policy.APPEND,
        ),
        _text("lossReason", "Why the deal was lost.", 255),
    ),
    keys=("number",),
    customer="customer",
    owner="owner",
    label="title",
    merges=True,
    urgency=Urgency.NOW,
)

PRODUCT = Entity(
    "Product",
    "Products",
    "Something that is sold.",
    (
        _text("sku", "Stock keeping unit, unique in the tenant.", 60, required=True, **_ERP),
        _text("name", "Name of the product.", 160, required=True, **_ERP),
        _text("family", "Product family.", 80, **_ERP),
        _text("unit", "Unit that quantities count.", 20, **_ERP),
        _money("listPrice", "Price for one unit before discount.", scale=4, digits=18, **_ERP),
        _currency(**_ERP),
        Field("active", Kind.BOOLEAN, "Whether the product is still sold.", default=True, **_ERP),
        Field("description", Kind.TEXT, "Description for people.", **_ERP, **_HUB_ONLY),
    ),
    keys=("sku",),
    merges=True,
    urgency=Urgency.NOW,
)

DEAL_LINE = Entity(
    "DealLine",
    "DealLines",
    "One product on a deal.",
    (
        _ref("deal", "Deal", "Deal that the line belongs to.", required=True),
        _ref("customer", "Customer", "Customer of the deal.", derived="deal.customer", read_only=True),
        _ref("product", "Product", "Product that is offered.", required=True),
        Field("position", Kind.INTEGER, "Place of the line on the deal.", minimum=0, maximum=9999),
        _quantity("quantity", "How many units.", required=True),
        _money("unitPrice", "Price for one unit.", scale=4, digits=18),
        Field(
            "discount",
            Kind.DECIMAL,
            "Discount on the unit price.",
            digits=5,
            scale=2,
            unit="percent",
            minimum=0,
            maximum=100,
        ),
    ),
    customer="customer",
    label="position",
    part_of="deal",
    urgency=Urgency.NOW,
)

ACTIVITY = Entity(
    "Activity",
    "Activities",
    "A visit, call, note or task.",
    (
        _ref("customer", "Customer", "Customer that the activity is about.", required=True),
        _ref("deal", "Deal", "Deal that the activity is about."),
        _ref("contact", "Contact", "Person that was met or is to be met."),
        _ref("owner", "User", "Who did it, or is to do it."),
        Field(
            "kind",
            Kind.CODE,
            "What it is.",
            required=True,
            values=("visit", "call", "note", "task", "meeting", "email"),
        ),
        _text("subject", "What it is about.", 200, required=True, policy=Policy.DEVICE_WINS, master=Master.FIELD),
        Field("body", Kind.TEXT, "What was said and seen.", policy=Policy.DEVICE_WINS, master=Master.FIELD),
        Field("startsAt", Kind.DATETIME, "When it took or takes place."),
        _date("dueOn", "Day that a task is due."),
        Field("done", Kind.BOOLEAN, "Whether it is done.", default=False),
        Field(
            "outcome",
            Kind.CODE,
            "What came of it.",
            values=("positive", "neutral", "negative", "noAnswer"),
            policy=Policy.DEVICE_WINS,
            master=Master.FIELD,
        ),
    ),
    customer="customer",
    owner="owner",
    label="subject",
    urgency=Urgency.LATER,
)

WAREHOUSE = Entity(
    "Warehouse",
    "Warehouses",
    "A place that stock is held at.",
    (
        _text("code", "Short code, unique in the tenant.", 40, required=True, **_ERP),
        _text("name", "Name of the warehouse.", 120, required=True, **_ERP),
        _text("city", "Town.", 80, **_ERP),
        _text("country", "Country as an ISO 3166-1 alpha-2 code.", 2, **_ERP),
    ),
    keys=("code",),
    merges=True,
)

STOCK_LEVEL = Entity(
    "StockLevel",
    "StockLevels",
    "How much of a product a warehouse holds.",
    (
        _ref("product", "Product", "Product that is counted.", required=True, **_ERP),
        _ref("warehouse", "Warehouse", "Warehouse that holds it.", required=True, **_ERP),
        _quantity("onHand", "Units on hand.", **_ERP),
        _quantity("reserved", "Units on hand that are promised to someone.", **_ERP),
        _quantity("available", "Units on hand that can still be promised.", **_ERP),
        _date("nextDelivery", "Day that more is expected.", **_ERP),
    ),
    label="product",
)

INVOICE = Entity(
    "Invoice",
    "Invoices",
    "A bill, as the ERP has issued it.",
    (
        _text("number", "Invoice number, unique in the tenant.", 60, required=True, **_ERP),
        _ref("customer", "Customer", "Customer that owes it.", required=True, **_ERP),
        Field(
            "kind",
            Kind.CODE,
            "Whether it is a bill or a credit.",
            values=("invoice", "creditNote"),
            default="invoice",
            **_ERP,
        ),
        Field(
            "status", Kind.CODE, "Standing of the bill.", required=True, values=("posted", "paid", "cancelled"), **_ERP
        ),
        _date("issuedOn", "Day of issue.", required=True, **_ERP),
        _date("dueOn", "Day that payment is due.", **_ERP),
        _date("paidOn", "Day that it was fully paid.", **_ERP),
        _money("net", "Amount before tax.", **_ERP),
        _money("tax", "Tax.", **_ERP),
        _money("total", "Amount to pay.", required=True, **_ERP),
        _money("balance", "Amount still open.", required=True, **_ERP),
        _currency(required=True, **_ERP),
    ),
    keys=("number",),
    customer="customer",
    label="number",
    urgency=Urgency.LATER,
)

INVOICE_LINE = Entity(
    "InvoiceLine",
    "InvoiceLines",
    "One position of a bill.",
    (
        _ref("invoice", "Invoice", "Bill that the line belongs to.", required=True, **_ERP),
        _ref("customer", "Customer", "Customer of the bill.", derived="invoice.customer", read_only=True, **_ERP),
        _ref("product", "Product", "Product that was sold.", **_ERP),
        Field("position", Kind.INTEGER, "Place of the line on the bill.", minimum=0, maximum=9999, **_ERP),
        _text("description", "Text on the bill.", 500, **_ERP),
        _quantity("quantity", "How many units.", **_ERP),
        _money("unitPrice", "Price for one unit.", scale=4, digits=18, **_ERP),
        _money("amount", "Amount of the line before tax.", **_ERP),
    ),
    customer="customer",
    label="position",
    part_of="invoice",
    urgency=Urgency.LATER,
)

PAYMENT = Entity(
    "Payment",
    "Payments",
    "Money that came in for a bill, as the ERP has booked it.",
    (
        _text("number", "Booking number of the payment.", 60, **_ERP),
        _ref("customer", "Customer", "Customer that paid.", required=True, **_ERP),
        _ref("invoice", "Invoice", "Bill that was paid.", **_ERP),
        _date("paidOn", "Day of the payment.", required=True, **_ERP),
        _money("amount", "Amount that was paid.", required=True, **_ERP),
        _currency(required=True, **_ERP),
        Field(
            "method",
            Kind.CODE,
            "How it was paid.",
            values=("transfer", "card", "cash", "cheque", "directDebit", "other"),
            **_ERP,
        ),
    ),
    customer="customer",
    label="number",
    urgency=Urgency.LATER,
)

ATTACHMENT = Entity(
    "Attachment",
    "Attachments",
    "A file that belongs to a record: a photo, a signed form; its content travels apart from the records.",
    (
        _text("entity", "Entity of the record that it belongs to.", 60, required=True, fixed=True),
        _text("record", "Identifier of the record that it belongs to.", limits.ID_LENGTH, required=True, fixed=True),
        _ref("customer", "Customer", "Customer of that record.", derived="record.customer", read_only=True),
        _text("name", "File name.", 200, required=True),
        _text("mediaType", "Media type (RFC 6838).", 127, required=True, fixed=True),
        Field(
            "size",
            Kind.INTEGER,
            "Length of the content.",
            required=True,
            unit="byte",
            minimum=0,
            maximum=limits.ATTACHMENT_BYTES,
            fixed=True,
        ),
        _text("sha256", "SHA-256 of the content, 64 hexadecimal digits in lower case.", 64, required=True, fixed=True),
        Field(
            "policy",
            Kind.CODE,
            "Whether devices fetch the content by themselves.",
            values=("on-demand", "always"),
            default="on-demand",
        ),
        Field(
            "stored",
            Kind.BOOLEAN,
            "Whether the hub has the whole content.",
            default=False,
            read_only=True,
            policy=Policy.SERVER_WINS,
        ),
    ),
    customer="customer",
    about=("entity", "record"),
    urgency=Urgency.LATER,
)

BUILTIN = Schema(
    (
        TERRITORY,
        USER,
        PARTNER,
        PRODUCT,
        WAREHOUSE,
        CUSTOMER,
        CONTACT,
        DEAL,
        DEAL_LINE,
        ACTIVITY,
        INVOICE,
        INVOICE_LINE,
        PAYMENT,
        STOCK_LEVEL,
        ATTACHMENT,
    )
)
"""The schema of a tenant that has added nothing."""
