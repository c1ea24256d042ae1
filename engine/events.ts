import type { DiagnosticEvent, EngineEvent } from "@pulumi/pulumi/automation/events.js";

const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");
/** Removes the engine's colour marks (`<{%fg 1%}>`), which it writes in spite of `--color`. */
const plain = (text: string): string => text.replaceAll(/<\{%.*?%\}>/g, "").trim();

/** A diagnostic as one message, which begins with the name of its resource. */
export function diagnosticText(event: DiagnosticEvent): string {
  const name = event.urn ? nameOf(event.urn) : "";
  return name ? `${name}: ${plain(event.message)}` : plain(event.message);
}

const verbs: Record<string, string> = {
  create: "creating",
  update: "updating",
  delete: "deleting",
  replace: "replacing",
  "create-replacement": "replacing",
  "delete-replaced": "deleting the replaced",
  refresh: "looking at",
  read: "reading",
};

/** The progress text of an event, if it has one: "creating container alice". */
export function describeEvent(event: EngineEvent): string | undefined {
  const step = event.resourcePreEvent?.metadata;
  const verb = step && verbs[step.op];
  return verb ? `${verb} ${step.type.split(":").at(-1)?.toLowerCase() ?? ""} ${nameOf(step.urn)}` : undefined;
}
