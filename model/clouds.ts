/** Where a VPS comes from: AWS, or the local hypervisor, as a rehearsal without an account. */
export const CLOUDS = ["aws", "local"] as const;
export type Cloud = (typeof CLOUDS)[number];

/** The label of a local VPS wherever it is shown. */
const REHEARSAL = "rehearsal, not a cloud";

/** How a burstable type uses its CPUs: `standard` only with credits; `unlimited` also without, at a price. */
export const CREDITS = ["standard", "unlimited"] as const;
export type Credits = (typeof CREDITS)[number];

/** The VPS's network in the cloud: the seat's own, or the account's default one. */
export const NETWORKS = ["own", "default"] as const;
export type CloudNetwork = (typeof NETWORKS)[number];

/** What was rented, in words: `t3.nano from AWS`, `t3.nano: rehearsal, not a cloud`. */
export const rentedWords = ({ cloud, type }: { cloud: Cloud; type: string }): string =>
  cloud === "aws" ? `${type} from AWS` : `${type}: ${REHEARSAL}`;

/** The form of an AWS region's name; only AWS knows which regions exist. */
export const REGION_NAME = /^[a-z]{2}(-[a-z]+)+-\d$/;
