// node-soap's server with the hub's own contract: node server.js PORT WSDL DATA CERTIFICATE KEY TOKEN
"use strict";
const fs = require("fs");
const https = require("https");
const soap = require("soap");

const [port, wsdl, data, certificate, key, token] = process.argv.slice(2);
const customers = JSON.parse(fs.readFileSync(data, "utf8"));
const byId = new Map(customers.map((each) => [each.id, each]));

function known(headers) {
  if (headers?.Session?.token !== token) throw new Error("no session");
}

const list = (value) => (Array.isArray(value) ? value : [value]);
const handlers = {
  GetCustomers({ id }, _reply, headers) {
    known(headers);
    return { customer: list(id).map((each) => byId.get(each)).filter(Boolean) };
  },
  SearchCustomers({ filter, limit }, _reply, headers) {
    known(headers);
    const terms = list(filter).map((each) => [each.field, list(each.value)[0]]);
    const found = [];
    for (const each of customers) {
      if (terms.every(([name, value]) => each[name] === value)) found.push(each);
      if (found.length === Number(limit)) break;
    }
    return { customer: found, more: false };
  },
};

const tls = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) };
const server = https.createServer(tls, (_, answer) => answer.writeHead(404).end());
server.listen(Number(port), "127.0.0.1", () => {
  const services = { CustomerService: { CustomerSoap11Port: handlers } };
  soap.listen(server, "/", services, fs.readFileSync(wsdl, "utf8"));
});
