/** The clouds that a user can request for a VPS. `auto`: AWS if there are credentials, else the rehearsal. */
export const CLOUD_REQUESTS = ["local", "aws", "auto"] as const;
export type CloudRequest = (typeof CLOUD_REQUESTS)[number];
