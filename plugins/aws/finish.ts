import { awsError } from "../../drivers/ec2/errors.js";
import { HalfMade, type Made } from "../harness/resource.js";

/**
 * Finishes something that exists already. When that fails it is taken away; when even that fails, the engine is told
 * of it, so that it isn't forgotten.
 */
export async function finish<T>(made: Made, undo: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await undo().catch(() => {
      throw new HalfMade(made, awsError(`${made.id} failed and is still there`, error));
    });
    throw error;
  }
}
