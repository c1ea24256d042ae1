/** The program that starts a lab's services, in machines whose lab names some; see images/services. */
export const SERVICES_PROGRAM = "/usr/local/lib/trilab/services";

/** The services that its lab names, one a line. */
export const SERVICES_LIST = "/etc/trilab/services";

/** Exits 0 inside a container once what its lab names has been started. */
export const servicesStartedCommand = [
  "sh",
  "-c",
  `! [ -x ${SERVICES_PROGRAM} ] || ${SERVICES_PROGRAM} wait`,
] as const;

/** What keeps this from being a service's name, or `undefined`. Pure. */
export function serviceNameProblem(name: string): string | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}$/.test(name) || /\.(service|socket|target|timer)$/.test(name))
    return 'is no service name: write it as for the command "service", such as "nginx"';
  if (name === "ssh" || name === "sshd")
    return "can't be chosen: guest and VPS always run an SSH server, and a container, which is entered through Docker, never does";
  return undefined;
}
