// Reads one file out of a zip archive (a Python wheel is one), with Node's own inflate. No encryption, no zip64.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createInflateRaw } from "node:zlib";

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_ENTRY = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;

/** A readable stream of the named file's content. */
export async function openZipEntry(archive, name) {
  const file = await open(archive, "r");
  try {
    const entry = findEntry(await readDirectory(file), name);
    if (entry === null) throw new Error(`${archive} has no ${name}`);
    const header = await read(file, entry.offset, 30);
    if (header.readUInt32LE(0) !== LOCAL_ENTRY)
      throw new Error(`${archive} is damaged`);
    const start =
      entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    const content = createReadStream(archive, {
      start,
      end: start + entry.storedBytes - 1,
    });
    if (entry.method === STORED) return content;
    if (entry.method !== DEFLATED)
      throw new Error(
        `${name} is packed with the unknown method ${entry.method}`,
      );
    const inflate = createInflateRaw();
    content.on("error", (error) => inflate.destroy(error));
    return content.pipe(inflate);
  } finally {
    await file.close();
  }
}

async function read(file, position, length) {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** The bytes of the central directory, which stands before a trailer at the archive's end. */
async function readDirectory(file) {
  const { size } = await file.stat();
  const tailLength = Math.min(size, 22 + 0xffff);
  const tail = await read(file, size - tailLength, tailLength);
  for (let at = tail.length - 22; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) === END_OF_DIRECTORY) {
      return read(file, tail.readUInt32LE(at + 16), tail.readUInt32LE(at + 12));
    }
  }
  throw new Error("not a zip archive");
}

function findEntry(directory, wanted) {
  let at = 0;
  while (
    at + 46 <= directory.length &&
    directory.readUInt32LE(at) === DIRECTORY_ENTRY
  ) {
    const nameLength = directory.readUInt16LE(at + 28);
    const name = directory.toString("utf8", at + 46, at + 46 + nameLength);
    if (name === wanted) {
      return {
        method: directory.readUInt16LE(at + 10),
        storedBytes: directory.readUInt32LE(at + 20),
        offset: directory.readUInt32LE(at + 42),
      };
    }
    at +=
      46 +
      nameLength +
      directory.readUInt16LE(at + 30) +
      directory.readUInt16LE(at + 32);
  }
  return null;
}
