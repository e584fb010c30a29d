// node-soap as a partner's program: one step, told by JSON on standard input, its decoded answer as JSON.
//
// input  {"step", "base", "version", "user", "password", "token", "id", "number", "name", "security"}
//        security: {"kind": "PasswordText" | "PasswordDigest" | "signature", "user", "secret", "key", "certificate"}
// The certificate authority comes by NODE_EXTRA_CA_CERTS, the modules by NODE_PATH.

"use strict";

const soap = require("soap");
const TYPES = "urn:saddlebag:types:v1";

async function client(given, service) {
  const made = await soap.createClientAsync(`${given.base}/${service}/v1?wsdl`, {
    forceSoap12Headers: given.version === "1.2",
  });
  if (given.token) {
    made.addSoapHeader({ Session: { attributes: { xmlns: TYPES }, token: given.token } });
  }
  if (given.security) {
    made.setSecurity(security(given.security));
  }
  return made;
}

function security(given) {
  if (given.kind !== "signature") {
    return new soap.WSSecurity(given.user, given.secret, { passwordType: given.kind });
  }
  return new soap.WSSecurityCert(given.key, given.certificate, "", {
    signatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    signatureTransformations: ["http://www.w3.org/2001/10/xml-exc-c14n#"],
  });
}

async function customers(given, operation, request) {
  const made = await client(given, "customer");
  return (await made[`${operation}Async`](request))[0];
}

async function step(given) {
  switch (given.step) {
    case "login":
      return (await (await client(given, "session")).LoginAsync({ user: given.user, password: given.password }))[0];
    case "who":
      return (await (await client(given, "session")).GetUserInfoAsync({}))[0];
    case "get":
      return customers(given, "GetCustomers", { id: [given.id, "no-such-customer"] });
    case "search":
      return customers(given, "SearchCustomers", {
        filter: [{ field: "number", op: "eq", value: [given.number] }],
        limit: 10,
      });
    case "upsert":
      return customers(given, "UpsertCustomers", {
        customer: [{ id: given.id, name: given.name, segments: ["key", "växt"] }],
      });
    case "fault":
      try {
        await customers(given, "SearchCustomers", { filter: [{ field: "nosuchfield", op: "eq", value: ["1"] }] });
      } catch (problem) {
        const fault = problem.root.Envelope.Body.Fault;
        return given.version === "1.2"
          ? { faultcode: fault.Code.Value, detail: fault.Detail.SaddlebagFault }
          : { faultcode: fault.faultcode, detail: fault.detail.SaddlebagFault };
      }
  }
  throw new Error(`the step ${given.step} brought no answer`);
}

let text = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (piece) => (text += piece));
process.stdin.on("end", () => {
  step(JSON.parse(text)).then(
    (answer) => process.stdout.write(JSON.stringify(answer)),
    (problem) => {
      process.stderr.write(`${problem.name}: ${problem.message}\n`);
      process.exitCode = 1;
    },
  );
});
