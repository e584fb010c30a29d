// A PouchDB device on LevelDB under orders (see bench/children.py): node device.js URL FOLDER
"use strict";
const PouchDB = require("pouchdb");
const { obey } = require("./obey.js");
const [url, folder] = process.argv.slice(2);
const device = new PouchDB(folder, { auto_compaction: true });
const BATCH = { batch_size: 1000 };

async function put(database, documents) {
  const known = await database.allDocs({ keys: documents.map((each) => each._id) });
  known.rows.forEach((row, place) => {
    if (row.value && !row.value.deleted) documents[place]._rev = row.value.rev;
  });
  const refused = (await database.bulkDocs(documents)).filter((each) => each.error);
  if (refused.length) throw new Error(`refused: ${JSON.stringify(refused[0])}`);
}

async function pull() {
  const done = await device.replicate.from(url, BATCH);
  return { received: done.docs_written };
}

const operations = {
  first: pull,
  delta: pull,
  async write({ put: documents, gone }) {
    const office = new PouchDB(url);
    await put(office, [...documents, ...gone.map((_id) => ({ _id, _deleted: true }))]);
    return {};
  },
  async edit({ changes }) {
    const documents = [];
    for (const each of changes) {
      const base = each.new ? { _id: each.id, type: each.entity } : await device.get(each.id);
      documents.push({ ...base, ...each.texts });
    }
    await device.bulkDocs(documents);
    return {};
  },
  async push() {
    const done = await device.replicate.to(url, BATCH);
    if (done.doc_write_failures) throw new Error(`${done.doc_write_failures} refused`);
    return { results: done.docs_written };
  },
  async keys() {
    const all = await device.allDocs({ include_docs: true });
    return { keys: all.rows.map((row) => [row.doc.type, row.id]) };
  },
};

device.info().then(() => obey(operations));
