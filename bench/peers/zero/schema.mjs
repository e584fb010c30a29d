// The plain tables for Zero: columns from the environment, all of them text, and how they hang together.
import { ANYONE_CAN, createSchema, definePermissions, relationships, string, table } from "@rocicorp/zero";

const COLUMNS = JSON.parse(process.env.SADDLEBAG_COLUMNS);
const tables = {};
for (const [name, columns] of Object.entries(COLUMNS)) {
  const kinds = Object.fromEntries(columns.map((each) => [each, each === "id" ? string() : string().optional()]));
  tables[name] = table(name).columns(kinds).primaryKey("id");
}

const to = (target, field) => ({ sourceField: [field], destField: ["id"], destSchema: tables[target] });
const from = (source, field) => ({ sourceField: ["id"], destField: [field], destSchema: tables[source] });

export const schema = createSchema({
  tables: Object.values(tables),
  relationships: [
    relationships(tables.Deal, ({ one, many }) => ({
      buyer: one(to("Customer", "customer")),
      lines: many(from("DealLine", "deal")),
    })),
    relationships(tables.Customer, ({ many }) => ({
      contacts: many(from("Contact", "customer")),
      deals: many(from("Deal", "customer")),
      invoices: many(from("Invoice", "customer")),
    })),
    relationships(tables.DealLine, ({ one }) => ({ item: one(to("Product", "product")) })),
    relationships(tables.Product, ({ many }) => ({ stock: many(from("StockLevel", "product")) })),
  ],
  enableLegacyQueries: true,
  enableLegacyMutators: true,
});

const rules = { row: { select: ANYONE_CAN } };
export const permissions = definePermissions(schema, () =>
  Object.fromEntries(Object.keys(COLUMNS).map((each) => [each, rules])),
);

export default { schema, permissions };
