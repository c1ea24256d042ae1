import { expect, it } from "vitest";
import { SAVE_HEADER, saveStart, withDefinition } from "../../../drivers/libvirt/save-file.js";

/** A saved domain as libvirt 9 writes it: a header, then XML, cookie and space. */
function saved(xml: string, cookie: string, space: number): Buffer {
  const data = Buffer.from(`${xml}\0${cookie}${cookie ? "\0" : ""}${"\0".repeat(space)}`);
  const header = Buffer.alloc(SAVE_HEADER);
  header.write("LibvirtQemudSave", "latin1");
  const numbers = [2, data.length, 1, 0, cookie ? xml.length + 1 : 0];
  for (const [i, value] of numbers.entries()) header.writeUInt32LE(value, 16 + 4 * i);
  return Buffer.concat([header, data]);
}
const stream = Buffer.from("QEVM…");

it("changes the definition, and keeps its length and the cookie", () => {
  const file = Buffer.concat([saved("<domain>old</domain>", "<cookie/>", 40), stream]);
  const length = saveStart(file);
  const start = file.subarray(0, length);
  const changed = withDefinition(start, "<domain>another, longer</domain>");
  expect(changed.length).toBe(length);
  expect(file.subarray(length)).toEqual(stream);
  expect(changed.subarray(0, 32)).toEqual(file.subarray(0, 32));
  const offset = changed.readUInt32LE(32);
  const text = changed.toString("utf8", SAVE_HEADER);
  expect(text.split("\0").filter(Boolean)).toEqual(["<domain>another, longer</domain>", "<cookie/>"]);
  expect(text.slice(offset)).toMatch(/^<cookie\/>\0/);
});

it("changes one without a cookie", () => {
  const file = saved("<domain/>", "", 10);
  const changed = withDefinition(file, "<d/>");
  expect([changed.readUInt32LE(32), changed.toString("utf8", SAVE_HEADER).replaceAll("\0", "")]).toEqual([
    0,
    "<d/>",
  ]);
});

it("refuses what is too long, and what is no saved domain", () => {
  const file = saved("<domain/>", "<cookie/>", 3);
  expect(() => withDefinition(file, "<domain>much longer</domain>")).toThrow(/too long/);
  expect(() => saveStart(Buffer.from("LibvirtQemudSave"))).toThrow(/no domain that libvirt has saved/);
  expect(() => saveStart(Buffer.alloc(200, "x"))).toThrow(/no domain that libvirt has saved/);
  const unfinished = Buffer.from(file);
  unfinished.write("LibvirtQemudPart", "latin1");
  expect(() => saveStart(unfinished)).toThrow(/no domain that libvirt has saved/);
});
