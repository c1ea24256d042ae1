/** Who may be asked to rent a VPS out. `auto`: AWS where there are credentials for it, else the rehearsal. */
export const CLOUD_WISHES = ["local", "aws", "auto"] as const;
export type CloudWish = (typeof CLOUD_WISHES)[number];
