import type { DiagnosticEvent, EngineEvent } from "@pulumi/pulumi/automation/events.js";

const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");
/** The engine marks colours as `<{%fg 1%}>`, whatever `--color` says. */
const plain = (text: string): string => text.replaceAll(/<\{%.*?%\}>/g, "").trim();

/** A diagnostic as one message, with the resource it is about. */
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

/** What an event means to someone waiting, if anything: "creating container alice". */
export function describeEvent(event: EngineEvent): string | undefined {
  const step = event.resourcePreEvent?.metadata;
  const verb = step && verbs[step.op];
  return verb ? `${verb} ${step.type.split(":").at(-1)?.toLowerCase() ?? ""} ${nameOf(step.urn)}` : undefined;
}
