// node-soap as a partner's program: client.js BASE VERSION, then one call a line on standard input, its decoded answer a
// line on standard output, both JSON as ../foreign.py tells. A call may bring
//   "security": {"kind": "PasswordText" | "PasswordDigest" | "signature", "user", "secret", "key", "certificate"}
// The certificate authority comes by NODE_EXTRA_CA_CERTS, the modules by NODE_PATH.

"use strict";

const readline = require("readline");
const soap = require("soap");
const TYPES = "urn:saddlebag:types:v1";
const [base, version] = process.argv.slice(2);
const made = new Map();

function client(service) {
  if (!made.has(service)) {
    const options = { forceSoap12Headers: version === "1.2", preserveWhitespace: true };
    made.set(service, soap.createClientAsync(`${base}/${service}/v1?wsdl`, options));
  }
  return made.get(service);
}

function security(given) {
  if (given.kind !== "signature") {
    return new soap.WSSecurity(given.user, given.secret, { passwordType: given.kind });
  }
  return new soap.WSSecurityCert(given.key, given.certificate, "", {
    signatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    signatureTransformations: ["http://www.w3.org/2001/10/xml-exc-c14n#"],
    // Without it the Body gets an Id of no namespace, which SOAP 1.2 forbids there (Part 1, 5.3).
    signerOptions: { idMode: "wssecurity" },
  });
}

function given(value) {
  if (Array.isArray(value)) return value.map(given);
  if (value === null || typeof value !== "object") return value;
  if (value.nil === true) return null;
  if (typeof value.base64 === "string") return value.base64;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, given(each)]));
}

async function play(call) {
  const caller = await client(call.service);
  caller.clearSoapHeaders();
  for (const [name, block] of Object.entries(call.headers)) {
    caller.addSoapHeader({ [name]: { attributes: { xmlns: TYPES }, ...given(block) } });
  }
  caller.setSecurity(call.security ? security(call.security) : null);
  try {
    const [answer] = await caller[`${call.operation}Async`](given(call.request));
    return { answer };
  } catch (problem) {
    const fault = problem.root && problem.root.Envelope && problem.root.Envelope.Body.Fault;
    if (!fault) return { error: `${problem.name}: ${problem.message}` };
    return version === "1.2"
      ? { fault: { code: fault.Code.Value, detail: fault.Detail.SaddlebagFault } }
      : { fault: { code: fault.faultcode, detail: fault.detail.SaddlebagFault } };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = await play(JSON.parse(line));
    } catch (problem) {
      answer = { error: `${problem.name}: ${problem.message}` };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

main();
