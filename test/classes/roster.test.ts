import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeText, parseRoster, readRoster } from "../../classes/roster.js";
import { labelProblem, MAX_SEAT_LENGTH } from "../../model/naming.js";

const read = (text: string) => parseRoster(text, "r.csv");
const seats = (text: string): string[] => read(text).map(({ seat }) => seat);
const refused = (text: string): string => {
  try {
    read(text);
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 2, message: "the roster r.csv can't be used" });
    return (error as { why: string }).why;
  }
  throw new Error("it was accepted");
};

describe("a roster", () => {
  it("is read as spreadsheets and course systems write it", () => {
    const ann = { seat: "a17", name: "Ann Ample", email: "ann@example.org", id: "A17" };
    expect(read("\uFEFFName;E-Mail;ID\r\nAnn Ample;ann@example.org;A17\r\n")).toEqual([ann]);
    expect(read("sep=;\r\nname;email;id\r\nAnn Ample;ann@example.org;A17\r\n")).toEqual([ann]);
    expect(
      read("First name\tSurname\tID number\tEmail address\nAnn\tAmple\tA17\tann@example.org\n\n"),
    ).toEqual([ann]);
    expect(read('name,email,id\n"Ample, Ann",ann@example.org,A17\n')).toEqual([
      { ...ann, name: "Ample, Ann" },
    ]);
    expect(read("id;name\nA17;Ample, Ann\n")).toEqual([{ ...ann, name: "Ample, Ann", email: "" }]);
  });

  it("names a seat by the column seat, else the id, else the address, else the name", () => {
    const header = "seat,id,email,name\n";
    expect(seats(`${header}s1,i1,e1@x,n1\n,i2,e2@x,n2\n,,e3@x,n3\n,,,Jürgen Groß-Łódź\n`)).toEqual([
      ...["s1", "i2", "e3"],
      "jurgen-gross-odz",
    ]);
  });

  it("takes targets and a key from their columns, and refuses what is none", () => {
    const key = `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from("ssh-ed25519"), Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, 7)]).toString("base64")} ann`;
    const header = "id,machines,SSH key\n";
    expect(read(`${header}a,guest container,${key}\nb,,\nc,"container,guest",\n`)).toMatchObject([
      { seat: "a", targets: ["container", "guest"], publicKey: key },
      { seat: "b" },
      { seat: "c", targets: ["container", "guest"] },
    ]);
    expect(Object.keys(read(`${header}b,,\n`)[0] ?? {}).sort()).toEqual(["email", "id", "name", "seat"]);
    const token = `sk-ssh-ed25519@openssh.com ${Buffer.concat(
      ["sk-ssh-ed25519@openssh.com", "k".repeat(32), "ssh:"].flatMap((field) => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(field.length);
        return [length, Buffer.from(field)];
      }),
    ).toString("base64")}`;
    expect(refused(`${header}a,,${token}\n`)).toContain("can't check keys of security tokens");
    expect(refused(`${header}a,vm,\nb,,ssh-ed25519 AAAA\nc,,my key\n`).split("\n")).toEqual([
      'line 2: "vm" is not a target; the targets are container, guest, vps',
      "line 3: the SSH key is damaged, or its type does not fit its content",
      expect.stringMatching(/^line 4: the SSH key is not an OpenSSH public key on one line/),
    ]);
  });

  it("has the columns of its header, also if a row ends early; a column without a name is none of them", () => {
    expect(read("name,email,id,targets,\nAnn,ann@x\nBob,bob@x,b17,guest,note\n")).toEqual([
      { seat: "ann", name: "Ann", email: "ann@x", id: "" },
      { seat: "b17", name: "Bob", email: "bob@x", id: "b17", targets: ["guest"] },
    ]);
  });

  it("names every problem at once, with its line", () => {
    expect(
      refused(
        'name,email,id\nA,a@x,1\n=1+1,b@x,2\nC,c,3\nD,d@x,1\n"E\u001b[31m",e@x,5\nF,A@x,6\n"multi\nline",g@x,7\n日本,,\n',
      ).split("\n"),
    ).toEqual([
      'line 3: "=1+1" looks like a formula of a spreadsheet',
      'line 4: "c" is not an e-mail address',
      "line 6: it contains a control character",
      "line 9: it contains a control character",
      "line 10: no seat's name can be made of it; fill in the column id",
      `line 5: the seat's name "1" is also that of line 2`,
      'line 7: the e-mail address "a@x" is also that of line 2',
    ]);
  });

  it.each([["\n"], ["\r\n"]])("counts a line that names the separator, with line ends %j", (end) => {
    const file = (...rows: string[]): string => ["sep=;", "name;id", ...rows].join(end);
    expect(refused(file("A;a", "=1;b", ";A"))).toBe(
      [
        'line 4: "=1" looks like a formula of a spreadsheet',
        'line 5: the seat\'s name "a" is also that of line 3',
      ].join("\n"),
    );
    expect(refused(file("A;a", "B;b;c"))).toContain("on line 4");
  });

  it.each([
    ["", "it has no rows"],
    ["name,email\n", "it has no rows"],
    ["a,b\n1,2\n", "it has no column name, email, id or seat; its columns are: a, b"],
    ["seat\nAlice\n", 'line 2: "Alice" may contain only lower-case letters'],
    [`name\n${"x".repeat(300)}\n`, "line 2: a cell has 300 characters, at most 200 fit"],
    ['name\n"open\n', "Quote Not Closed"],
  ])("that is %j is refused", (text, why) => {
    expect(refused(text)).toContain(why);
  });

  it("has ten thousand rows, or ten thousand mistakes", () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => `s${i}`);
    expect(seats(`id\n${rows.join("\n")}\n`)).toEqual(rows);
    expect(refused(`email\n${"x\n".repeat(10_000)}`)).toMatch(/and 9980 more$/);
  });

  it("gives every seat a valid name, or says no", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 40 }), { minLength: 1 }), (names) => {
        const text = `name\n${names.map((name) => `"${name.replaceAll('"', '""')}"`).join("\n")}\n`;
        try {
          for (const { seat } of read(text)) expect(labelProblem(seat, MAX_SEAT_LENGTH)).toBeUndefined();
        } catch (error) {
          expect(error).toMatchObject({ exitCode: 2 });
        }
      }),
    );
  });

  it("is text in the encodings of spreadsheets", () => {
    const text = "name\nZoë\n";
    expect(decodeText(Buffer.from(text))).toBe(text);
    expect(decodeText(Buffer.from(text, "latin1"))).toBe(text);
    expect(decodeText(Buffer.from(`\uFEFF${text}`, "utf16le"))).toBe(text);
    expect(decodeText(Buffer.from(`\uFEFF${text}`, "utf16le").swap16())).toBe(text);
  });

  describe("as a file", () => {
    let dir: string;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), "roster-"));
    });
    afterAll(() => rm(dir, { recursive: true }));

    it("is read; what is no file is refused", async () => {
      await writeFile(join(dir, "r.csv"), Buffer.from("name\nZoë\n", "latin1"));
      expect(await readRoster(join(dir, "r.csv"))).toEqual([{ seat: "zoe", name: "Zoë", email: "", id: "" }]);
      await expect(readRoster(join(dir, "none"))).rejects.toMatchObject({ why: "there is no such file" });
      await expect(readRoster(dir)).rejects.toMatchObject({ why: "it is a folder" });
    });
  });
});
