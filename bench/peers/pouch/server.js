// CouchDB's protocol on LevelDB: node server.js PORT FOLDER
"use strict";
const [port, folder] = process.argv.slice(2);
const PouchDB = require("pouchdb").defaults({ prefix: `${folder}/` });
const application = require("express")();
application.use("/", require("express-pouchdb")(PouchDB, {
  mode: "minimumForPouchDB",
  inMemoryConfig: true,
  logPath: `${folder}/log.txt`,
}));
application.listen(Number(port), "127.0.0.1");
