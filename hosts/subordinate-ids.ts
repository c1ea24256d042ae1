import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { asRoot, isRoot } from "../base/privilege.js";

/** User or group ids that an account may use in a user namespace (subuid(5)). */
interface IdRange {
  account: string;
  first: number;
  count: number;
}

/** A Debian root file system has owners up to nobody and nogroup, 65534. */
const NEEDED = 65_536;
/** The first id that useradd(8) uses. */
const FIRST = 100_000;
const FILES = { "--add-subuids": "/etc/subuid", "--add-subgids": "/etc/subgid" } as const;
type Option = keyof typeof FILES;

/** The ranges in the text of /etc/subuid or /etc/subgid. */
export function parseRanges(text: string): IdRange[] {
  return text
    .split("\n")
    .map((line) => line.trim().split(":"))
    .filter((fields) => fields.length === 3)
    .map(([account = "", first, count]) => ({ account, first: Number(first), count: Number(count) }));
}

/** Whether an account's first range, which mmdebstrap uses, is large enough for a root file system. */
export const hasRange = (ranges: readonly IdRange[], account: string): boolean =>
  (ranges.find((range) => range.account === account)?.count ?? 0) >= NEEDED;

/** The range after all others, in usermod(8)'s notation: `165536-231071`. */
export function freeRange(ranges: readonly IdRange[]): string {
  const first = Math.max(FIRST, ...ranges.map((range) => range.first + range.count));
  return `${first}-${first + NEEDED - 1}`;
}

/** The files in which this user has no range; without a range, only root can build an image. */
export async function missingRanges(): Promise<string[]> {
  return isRoot() ? [] : (await lacking()).map(([option]) => FILES[option]);
}

/** Gives this user the ranges that are missing. */
export async function addRanges(): Promise<void> {
  for (const [option, ranges] of await lacking())
    await asRoot("usermod", [option, freeRange(ranges), userInfo().username]);
}

async function lacking(): Promise<[Option, IdRange[]][]> {
  const { username } = userInfo();
  const all = await Promise.all(
    (Object.keys(FILES) as Option[]).map(async (option): Promise<[Option, IdRange[]]> => {
      const text = await readFile(FILES[option], "utf8").catch(() => "");
      return [option, parseRanges(text)];
    }),
  );
  return all.filter(([, ranges]) => !hasRange(ranges, username));
}
