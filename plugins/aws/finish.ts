import { awsError } from "../../drivers/ec2/errors.js";
import { HalfMade, type Made } from "../harness/resource.js";

/**
 * Finishes an object that exists already. If that fails, removes the object. If that fails, too, reports the object to the
 * engine, which then keeps it in its state.
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
