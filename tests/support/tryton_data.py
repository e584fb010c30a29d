"""Fill a fresh Tryton database with a small business. Runs in Tryton's own environment: it imports nothing of ours.

    python tryton_data.py CONFIG DATABASE

What it makes is told by the constants, and the tests of the adapter know them: customers with hostile names, persons on
telephone numbers, products with and without code, stock, invoices that are open, part paid, paid, credited and
cancelled, and opportunities in every state.
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from decimal import Decimal

from proteus import Model, Wizard, config

MODULES = ["party", "product", "account", "account_invoice", "stock", "sale", "sale_opportunity"]
TODAY = date.today()
PARTIES = [
    # name, town, persons on the mechanisms, tax number
    ('Søn & "Daughter" <b>Ltd</b>, 株式会社', "Aarhus", ["Ann Bech"], "DK13585628"),
    ("Plain Ltd", "Odense", ["Bo", "Clara van der Berg"], ""),
    ("O'Neil; DROP TABLE", "Cork", [], ""),
    ("Spare One", "Lund", [], ""),
    ("Spare Two", "Lund", [], ""),
    ("Spare Three", "Lund", [], ""),
    ("Spare Four", "Lund", [], ""),
    ("Spare Five", "Lund", [], ""),
    *((f"Customer {number:03d} & Søn <{number}>", "Aarhus", [], "") for number in range(3)),
]
PRODUCTS = [
    ("Widget", "W001", "10.50", "Kilogram"),
    ("Gadget", "W002", "20.1234", "Unit"),
    ("Nameless", None, "1.00", "Unit"),
]
STATES = ["lead", "opportunity", "converted", "lost", "cancelled"]


def get(name: str):  # type: ignore[no-untyped-def]
    """The client class of a model."""
    return Model.get(name)


def activate() -> None:
    """Switch the modules on."""
    module = get("ir.module")
    module.click(module.find([("name", "in", MODULES)]), "activate")
    Wizard("ir.module.activate_upgrade").execute("upgrade")


def company(connection):  # type: ignore[no-untyped-def]
    """A company that keeps its books in euro, with an employee."""
    euro = get("currency.currency")(name="Euro", symbol="€", code="EUR", numeric_code="978", digits=2)
    euro.rounding = Decimal("0.01")
    rate = euro.rates.new()
    rate.date, rate.rate = date(2020, 1, 1), Decimal(1)
    euro.save()
    own = get("party.party")(name="Our Own Company")
    own.save()
    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party, wizard.form.currency = own, euro
    wizard.execute("add")
    connection._context = get("res.user").get_preferences(True, {})
    (made,) = get("company.company").find([])
    made.cancel_invoice_out = True
    made.save()
    seller = get("party.party")(name="Sally Seller")
    mail = seller.contact_mechanisms.new(type="email")
    mail.value = "sally@example.com"
    seller.save()
    employee = get("company.employee")(party=seller, company=made)
    employee.save()
    return made, euro, employee


def fiscal_year(made) -> None:  # type: ignore[no-untyped-def]
    """The present year with its sequences."""
    year = get("account.fiscalyear")(name=str(TODAY.year), company=made)
    year.start_date, year.end_date = date(TODAY.year, 1, 1), date(TODAY.year, 12, 31)
    kinds = {each.name: each for each in get("ir.sequence.type").find([])}
    sequence = get("ir.sequence.strict")
    moves = get(year._fields["move_sequence"]["relation"])(
        name="moves", sequence_type=kinds["Account Move"], company=made
    )
    moves.save()
    year.move_sequence = moves
    bills = sequence(name="bills", sequence_type=kinds["Invoice"], company=made, prefix="INV-", padding=5)
    bills.save()
    (numbers,) = year.invoice_sequences
    for name in ("out_invoice", "in_invoice", "out_credit_note", "in_credit_note"):
        setattr(numbers, f"{name}_sequence", bills)
    year.save()
    year.click("create_period")


def chart(made):  # type: ignore[no-untyped-def]
    """A chart of accounts from the universal template; the accounts that invoices and payments need."""
    template = get("account.account.template").find([("parent", "=", None)], limit=1)[0]
    wizard = Wizard("account.create_chart")
    wizard.execute("account")
    wizard.form.account_template, wizard.form.company = template, made
    wizard.execute("create_account")
    found = {kind: account(kind) for kind in ("receivable", "payable", "revenue", "expense")}
    wizard.form.account_receivable, wizard.form.account_payable = found["receivable"], found["payable"]
    wizard.form.category_account_revenue, wizard.form.category_account_expense = found["revenue"], found["expense"]
    wizard.execute("create_properties")
    return found


def account(kind: str):  # type: ignore[no-untyped-def]
    """The first open account of a kind."""
    return get("account.account").find([(f"type.{kind}", "=", True), ("closed", "!=", True)], limit=1)[0]


def payment_method(made):  # type: ignore[no-untyped-def]
    """A way to book cash."""
    (journal,) = get("account.journal").find([("type", "=", "cash")])
    cash = get("account.account").find([("code", "=", "1.1.1")], limit=1) or [account("expense")]
    method = get("account.invoice.payment.method")(name="Cash", company=made, journal=journal)
    method.credit_account = method.debit_account = cash[0]
    method.save()
    return method


def goods(accounts):  # type: ignore[no-untyped-def]
    """Products with a tax, one of them without a code."""
    tax = get("account.tax")(name="VAT 20%", description="VAT 20%", type="percentage", rate=Decimal(".20"))
    tax.invoice_account = tax.credit_note_account = accounts["payable"]
    tax.save()
    category = get("product.category")(name="Goods", accounting=True)
    category.account_expense, category.account_revenue = accounts["expense"], accounts["revenue"]
    category.customer_taxes.append(tax)
    category.save()
    made = []
    for name, code, price, unit_name in PRODUCTS:
        (unit,) = get("product.uom").find([("name", "=", unit_name)])
        template = get("product.template")(name=name, type="goods", default_uom=unit, salable=True)
        template.list_price, template.account_category = Decimal(price), category
        (product,) = template.products
        product.suffix_code, product.cost_price = code, Decimal(5)
        template.save()
        made.append(template.products[0])
    return made


def fill_stock(made, euro, products) -> None:  # type: ignore[no-untyped-def]
    """100.5 of the first and 7 of the second product in the warehouse."""
    locations = {each.code: each for each in get("stock.location").find([]) if each.code}
    moves = []
    for product, quantity in ((products[0], 100.5), (products[1], 7)):
        move = get("stock.move")(product=product, unit=product.default_uom, quantity=quantity)
        move.company, move.currency = made, euro
        move.from_location, move.to_location = locations["SUP"], locations["STO"]
        move.unit_price, move.effective_date = Decimal(5), TODAY
        move.save()
        moves.append(move)
    get("stock.move").click(moves, "do")


def promise(customer, made, euro, product) -> None:  # type: ignore[no-untyped-def]
    """A shipment to a customer for which 2.25 of the product is set aside."""
    shipment = get("stock.shipment.out")(customer=customer, company=made)
    move = shipment.outgoing_moves.new()
    move.product, move.unit, move.quantity, move.unit_price = product, product.default_uom, 2.25, Decimal(5)
    move.from_location, move.to_location = shipment.warehouse_output, customer.customer_location
    move.company, move.currency = made, euro
    shipment.save()
    shipment.click("wait")
    shipment.click("assign_try")


def parties():  # type: ignore[no-untyped-def]
    """Customers with an address, mechanisms of their own and mechanisms of persons."""
    made = []
    for number, (name, town, persons, tax_number) in enumerate(PARTIES):
        party = get("party.party")(name=name)
        address = party.addresses[0] if party.addresses else party.addresses.new()
        address.street, address.city = f"{number} Main Street\nBuilding B", town
        address.postal_code = f"{8000 + number}"
        for person in persons:
            telephone, mail_address = f"+45 86 12 34 {number}{len(person) % 10}", f"p{len(person)}@e.org"
            for kind, value in (("phone", telephone), ("email", mail_address)):
                mechanism = party.contact_mechanisms.new(type=kind)
                mechanism.value, mechanism.name = value, person
        mail = party.contact_mechanisms.new(type="email")
        mail.value = f"info{number}@example.com"
        if tax_number:
            identifier = party.identifiers.new(type="eu_vat")
            identifier.code = tax_number
        party.save()
        made.append(party)
    return made


def bill(party, products, accounts, quantity=3):  # type: ignore[no-untyped-def]
    """A posted invoice of two positions; a negative quantity makes a credit note."""
    term = get("account.invoice.payment_term").find([("name", "=", "30 days")])
    invoice = get("account.invoice")(type="out", party=party, payment_term=term[0], invoice_date=TODAY)
    for product, price in ((products[0], "12.3400"), (products[1], "0.0150")):
        line = invoice.lines.new()
        line.product, line.quantity = product, quantity
        line.unit_price, line.account = Decimal(price), accounts["revenue"]
    invoice.save()
    invoice.click("post")
    return invoice


def pay(invoice, method, amount: str) -> None:  # type: ignore[no-untyped-def]
    """Book cash for an invoice."""
    wizard = invoice.click("pay")
    wizard.form.payment_method, wizard.form.amount, wizard.form.date = method, Decimal(amount), TODAY
    wizard.execute("choice")
    if wizard.form_state == "ask":
        wizard.form.type = "partial"
        wizard.execute("pay")


def payment_term() -> None:
    """Thirty days."""
    term = get("account.invoice.payment_term")(name="30 days")
    delta = term.lines.new(type="remainder").relativedeltas.new()
    delta.days = 30
    term.save()


def opportunities(made, employee) -> None:  # type: ignore[no-untyped-def]
    """One in each state that needs no sale."""
    for number, state in enumerate(STATES):
        deal = get("sale.opportunity")(party=made[number % 3], description=f"Deal in {state}", employee=employee)
        deal.amount, deal.end_date = Decimal(1000 * (number + 1)), TODAY + timedelta(days=5)
        deal.comment = "First line\nSecond & <last>"
        deal.save()
        steps = {"opportunity": ["opportunity"], "lost": ["lost"], "cancelled": ["cancel"]}
        for step in steps.get(state, []):
            deal.click(step)
        if state == "converted":
            deal.click("opportunity")
            deal.click("convert")


def main() -> None:
    """Make it all, in the order that Tryton wants."""
    connection = config.set_trytond(database=sys.argv[2], config_file=sys.argv[1])
    activate()
    made, euro, employee = company(connection)
    fiscal_year(made)
    accounts = chart(made)
    payment_term()
    method = payment_method(made)
    products = goods(accounts)
    fill_stock(made, euro, products)
    customers = parties()
    promise(customers[1], made, euro, products[0])
    bill(customers[0], products, accounts)
    part, paid = bill(customers[0], products, accounts), bill(customers[1], products, accounts)
    pay(part, method, "10.00")
    pay(paid, method, str(paid.total_amount))
    bill(customers[1], products, accounts, quantity=-1)
    bill(customers[2], products, accounts).click("cancel")
    for customer in customers[-3:]:
        bill(customer, products, accounts, quantity=1)
    opportunities(customers, employee)


if __name__ == "__main__":
    main()
