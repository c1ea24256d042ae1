import type { Options } from "yargs";
import { CLOUD_REQUESTS, type CloudRequest } from "../labs/cloud-requests.js";
import { singleAddress } from "../seats/ssh-from.js";
import { type Args, text } from "./define-command.js";

/** The options of the commands that may rent. Their defaults differ. */
export const rentingOptions = (defaultCloud: string) =>
  ({
    cloud: {
      choices: CLOUD_REQUESTS,
      describe: `where the vps comes from: local (a stand-in on the local hypervisor), aws, or auto (aws if there are credentials); default: ${defaultCloud}`,
    },
    "ssh-from": {
      type: "string",
      describe:
        "the only address that may reach a rented vps by SSH; default: TRILAB_SSH_FROM, else your public address",
    },
  }) as const satisfies Record<string, Options>;

/** What the command line asks for. @throws UserError (exit 2) when the address is none. */
export function rentingOf(args: Args): { cloud?: CloudRequest; sshFrom?: string } {
  const cloud = CLOUD_REQUESTS.find((wish) => wish === text(args, "cloud"));
  // TRILAB_SSH_FROM also applies to existing seats, because a learner's address changes.
  const sshFrom = text(args, "ssh-from") ?? (process.env.TRILAB_SSH_FROM || undefined);
  return {
    ...(cloud ? { cloud } : {}),
    ...(sshFrom === undefined ? {} : { sshFrom: singleAddress(sshFrom) }),
  };
}
