import { ExitCode, UserError } from "../../base/errors.js";
import type { Bucket } from "../../shared/bucket.js";

/** A bucket in memory, with the conditions of S3's writes. */
export class MemoryBucket implements Bucket {
  readonly objects = new Map<string, { body: Buffer; etag: string }>();
  /** As long as it is set, the bucket does not answer. */
  silent = false;
  /** As long as it is set, the bucket writes and removes, but the answers are lost. */
  losesAnswers = false;
  /** Reading this object never ends. */
  hangsAt: string | undefined;
  private writes = 0;

  async list(start: string): Promise<Map<string, string>> {
    await this.answer();
    return new Map(
      [...this.objects].filter(([key]) => key.startsWith(start)).map(([key, { etag }]) => [key, etag]),
    );
  }

  async get(key: string): Promise<{ body: Buffer; etag: string } | undefined> {
    await this.answer();
    if (key === this.hangsAt) await new Promise(() => {});
    return this.objects.get(key);
  }

  async put(key: string, body: Buffer, before: string | undefined): Promise<string | undefined> {
    await this.answer();
    if (this.objects.get(key)?.etag !== before) return undefined;
    this.writes += 1;
    const etag = `"${this.writes}"`;
    this.objects.set(key, { body, etag });
    if (this.losesAnswers) throw noAnswer();
    return etag;
  }

  async remove(key: string, etag: string): Promise<boolean> {
    await this.answer();
    if (this.objects.get(key)?.etag === etag) this.objects.delete(key);
    if (this.losesAnswers) throw noAnswer();
    return !this.objects.has(key);
  }

  private async answer(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.silent) throw noAnswer();
  }
}

const noAnswer = (): UserError =>
  new UserError("the shared state can't be looked at", { exitCode: ExitCode.hostNotReady });
