// A Zero client under orders (see bench/children.py): node device.mjs URL NAME; the scope's bounds in the environment.
import { obey } from "./obey.js";

for (const each of ["log", "debug", "info", "warn"]) console[each] = console.error;
globalThis.navigator ??= { onLine: true };

const { Zero } = await import("@rocicorp/zero");
const { schema } = await import("./schema.mjs");
const [url, name] = process.argv.slice(2);
const { rep, today, until, year, open } = JSON.parse(process.env.SADDLEBAG_SCOPE);
const zero = new Zero({ server: url, userID: name, schema, kvStore: "mem", logLevel: "error" });
let view;

function scope() {
  return zero.query.Deal.where("owner", rep)
    .where("stage", "IN", open)
    .where("closeDate", ">=", today)
    .where("closeDate", "<", until)
    .related("buyer", (buyer) =>
      buyer
        .related("contacts")
        .related("deals", (deals) => deals.related("lines"))
        .related("invoices", (invoices) => invoices.where("issuedOn", ">=", year)),
    )
    .related("lines", (lines) => lines.related("item", (item) => item.related("stock")));
}

function keys() {
  const found = new Map();
  const add = (entity, records) => records.forEach((each) => found.set(each.id, entity));
  for (const deal of view.data) {
    const { buyer } = deal;
    add("Customer", [buyer]);
    add("Contact", buyer.contacts);
    add("Invoice", buyer.invoices);
    add("Deal", buyer.deals);
    buyer.deals.forEach((each) => add("DealLine", each.lines));
    for (const { item } of deal.lines) {
      add("Product", [item]);
      add("StockLevel", item.stock);
    }
  }
  return { keys: [...found].map(([id, entity]) => [entity, id]) };
}

const operations = {
  async first() {
    view = scope().materialize();
    await new Promise((resolve) => view.addListener((_, type) => type === "complete" && resolve()));
    return {};
  },
  async keys() {
    return keys();
  },
};

await obey(operations);
