/** Who a VPS is rented from: AWS, or, as a rehearsal without an account, the local hypervisor. */
export const CLOUDS = ["aws", "local"] as const;
export type Cloud = (typeof CLOUDS)[number];

/** Said wherever a local VPS shows. */
const REHEARSAL = "rehearsal, not a cloud";

/** How a burstable type uses its CPUs: `standard` while it has credits, `unlimited` beyond them, at a price. */
export const CREDITS = ["standard", "unlimited"] as const;
export type Credits = (typeof CREDITS)[number];

/** A network of the seat's own in the cloud, or the account's default one. */
export const NETWORKS = ["own", "default"] as const;
export type CloudNetwork = (typeof NETWORKS)[number];

/** What was rented, in words: `t3.nano from AWS`, `t3.nano: rehearsal, not a cloud`. */
export const rentedWords = ({ cloud, type }: { cloud: Cloud; type: string }): string =>
  cloud === "aws" ? `${type} from AWS` : `${type}: ${REHEARSAL}`;

/** What the name of an AWS region looks like; which there are, AWS knows. */
export const REGION_NAME = /^[a-z]{2}(-[a-z]+)+-\d$/;
