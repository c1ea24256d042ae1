import { messageOf, UserError } from "../../base/errors.js";

/** One input that can't be accepted: the property's path, and what, why and how to fix. */
export interface Failure {
  property: string;
  reason: string;
}

/** Which plugin is stood in for; it appears in every error so that nobody takes it for the official one. */
export interface StandInName {
  /** The Pulumi package: `docker`. */
  name: string;
  /** The version of the official plugin whose SDK is served. */
  version: string;
}

export const title = (plugin: StandInName): string => `trilab's stand-in for the ${plugin.name} plugin`;

/** How to get the official plugin, which knows every property and resource. */
export const useOfficial = (plugin: StandInName): string =>
  `the official plugin knows more: pulumi plugin install resource ${plugin.name} v${plugin.version}`;

/** What, why and how to fix on lines of their own, as the engine prints them below the resource. */
export function textOf(error: unknown, plugin: StandInName): string {
  if (!(error instanceof UserError)) return `${title(plugin)} failed: ${messageOf(error)}`;
  return [error.message, error.why && `why: ${error.why}`, error.fix && `fix: ${error.fix}`]
    .filter(Boolean)
    .join("\n  ");
}

/** The same on one line, for a check failure. */
export const reason = (what: string, why: string | undefined, fix: string): string =>
  `${what}${why ? ` (${why})` : ""}; fix: ${fix}`;
