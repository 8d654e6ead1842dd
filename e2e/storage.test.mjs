// What Wick does with a data folder that is in use, damaged, from the future, or not writable.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isRunning } from "./processes.mjs";
import { binary, environment, newFolder, removeFolder, Wick } from "./wick.mjs";

/** Opens Wick for one test and sees it closed. */
async function open(t, place) {
  const wick = await Wick.start(place);
  t.after(() => wick.leave());
  return wick;
}

function folderFor(t) {
  const folder = newFolder();
  t.after(() => removeFolder(folder));
  return folder;
}

/** The path that the page shows as the place where the old file is kept. */
async function keptPath(wick, folder) {
  const words = await wick.words();
  const start = words.indexOf(join(folder, "data"));
  assert.notEqual(start, -1, words);
  return words.slice(start).split("\n")[0].trim();
}

/** An empty SQLite database whose schema version lies in the future. */
function databaseFromTheFuture() {
  const page = Buffer.alloc(4096);
  page.write("SQLite format 3\0", "latin1");
  page.writeUInt16BE(4096, 16); // page size
  page.set([1, 1, 0, 64, 32, 32], 18); // journal format, reserved bytes, payload fractions
  page.writeUInt32BE(1, 24); // change counter
  page.writeUInt32BE(1, 28); // pages
  page.writeUInt32BE(4, 44); // schema format
  page.writeUInt32BE(1, 56); // UTF-8
  page.writeUInt32BE(9999, 60); // user_version
  page.writeUInt32BE(1, 92); // the change counter that the next number belongs to
  page.writeUInt32BE(3045000, 96); // SQLite 3.45
  page[100] = 13; // a table leaf without cells
  page.writeUInt16BE(4096, 105); // its content begins at the page's end
  return page;
}

test("a second Wick on the same data leaves the first alone and ends well", async (t) => {
  const folder = folderFor(t);
  const wick = await open(t, { folder });
  await wick.usable("New chat");
  const second = spawn(binary, [], {
    env: environment({ folder }),
    stdio: "ignore",
  });
  const [code] = await once(second, "exit");
  assert.equal(code, 0);
  assert.ok(isRunning(wick.pid));
  await wick.usable("New chat");
});

test("a damaged database is set aside unchanged, and the window says where", async (t) => {
  const folder = folderFor(t);
  const database = join(folder, "data", "wick.db");
  const garbage = Buffer.from("this was a database once ".repeat(400));
  writeFileSync(database, garbage);
  const wick = await open(t, { folder });
  await wick.waitForWords("A damaged database was set aside");
  const kept = await keptPath(wick, folder);
  assert.notEqual(kept, database);
  assert.deepEqual(readFileSync(kept), garbage);
  assert.equal(
    readFileSync(database, "latin1").slice(0, 15),
    "SQLite format 3",
  );
  await wick.clickOn("Dismiss");
  await wick.usable("New chat");
});

test("a database from the future is not touched until the person says so", async (t) => {
  const folder = folderFor(t);
  const database = join(folder, "data", "wick.db");
  const future = databaseFromTheFuture();
  writeFileSync(database, future);
  const wick = await open(t, { folder });
  await wick.waitForWords("Your chats belong to a newer Wick");
  assert.deepEqual(readFileSync(database), future);
  await wick.clickOn("Try again");
  await wick.waitForWords("Your chats belong to a newer Wick");
  assert.deepEqual(readFileSync(database), future);

  await wick.clickOn("Set it aside and start fresh");
  await wick.waitForWords("Set aside, unchanged");
  assert.deepEqual(readFileSync(await keptPath(wick, folder)), future);
  await wick.clickOn("Start fresh");
  await wick.usable("New chat");
});

test("a data folder that cannot be written is explained, and tried again on request", async (t) => {
  const folder = folderFor(t);
  // A file where a folder should be stops even root.
  const obstacle = join(folder, "obstacle");
  writeFileSync(obstacle, "");
  const wick = await open(t, { folder, dataFolder: join(obstacle, "data") });
  await wick.waitForWords("Wick cannot write to its data folder");
  rmSync(obstacle);
  await wick.clickOn("Try again");
  await wick.usable("New chat");
  assert.ok(existsSync(join(obstacle, "data", "wick.db")));
});
