// The client's side of bench/children.py in Node: do what standard input orders, a line at a time, until it ends.
"use strict";
const readline = require("readline");

const say = console.log; // a library that logs must not be taken for an answer: see zero/device.mjs

async function answer(operations, { op, ...rest }) {
  try {
    return await operations[op](rest);
  } catch (problem) {
    return { error: String(problem.stack || problem.message || JSON.stringify(problem)).slice(0, 1000) };
  }
}

exports.obey = async function obey(operations) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const started = process.hrtime.bigint();
    const told = await answer(operations, JSON.parse(line));
    told.seconds = Number(process.hrtime.bigint() - started) / 1e9;
    say(JSON.stringify(told));
  }
};
