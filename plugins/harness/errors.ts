import { messageOf, UserError } from "../../base/errors.js";

/** An input that is refused: the property's path, and the reason with what, why and fix. */
export interface Failure {
  property: string;
  reason: string;
}

/** The plugin that a stand-in replaces. Every error contains its title, so that nobody thinks it is the official one. */
export interface StandInName {
  /** The name of the Pulumi package: `docker`. */
  name: string;
  /** The version of the official plugin whose SDK is served. */
  version: string;
}

export const title = (plugin: StandInName): string => `trilab's stand-in for the ${plugin.name} plugin`;

/** How to get the official plugin, which supports all properties and resources. */
export const useOfficial = (plugin: StandInName): string =>
  `to install it: pulumi plugin install resource ${plugin.name} v${plugin.version}`;

/** What, why and fix, each on its own line. The engine prints them below the resource. */
export function textOf(error: unknown, plugin: StandInName): string {
  if (!(error instanceof UserError)) return `${title(plugin)} failed: ${messageOf(error)}`;
  return [error.message, error.why && `why: ${error.why}`, error.fix && `fix: ${error.fix}`]
    .filter(Boolean)
    .join("\n  ");
}

/** The same on one line, for a refused input. */
export const reason = (what: string, why: string | undefined, fix: string): string =>
  `${what}${why ? ` (${why})` : ""}; fix: ${fix}`;
