import { expect, it } from "vitest";
import {
  type Endpoint,
  endpointsWords,
  endpointWords,
  hostOf,
  isLocal,
  LOCAL,
  sameEndpoint,
} from "../../model/endpoint.js";
import { endpointSchema } from "../../model/endpoint-schema.js";

const docker = (host: string) => ({ kind: "docker", host }) as const;
const libvirt = (uri: string) => ({ kind: "libvirt", uri }) as const;

it.each([
  [docker("unix:///run/user/1000/docker.sock"), true],
  [docker("tcp://127.0.0.1:2376"), false],
  [docker("ssh://lab1"), false],
  [libvirt("qemu:///system"), true],
  [libvirt("qemu+unix:///system?socket=/run/x"), true],
  [libvirt("qemu+ssh://lab1/system"), false],
  // Without a transport it is TLS, to another host.
  [libvirt("qemu://lab1/system"), false],
  [libvirt("not a URI"), false],
])("whether %j is on this machine: %s", (endpoint, local) => {
  expect(isLocal(endpoint)).toBe(local);
});

it.each([
  [docker("unix:///run/user/1000/docker.sock"), ""],
  [docker("tcp://10.0.0.7:2376"), "10.0.0.7"],
  [docker("ssh://root@lab1:2222"), "lab1"],
  [docker("ssh://root@[2001:db8::5]:2222"), "2001:db8::5"],
  [libvirt("qemu:///system"), ""],
  [libvirt("qemu+ssh://root@lab1/system?keyfile=/k"), "lab1"],
  [libvirt("qemu+ssh://[::1]/system"), "::1"],
  [libvirt("not a URI"), "not a URI"],
])("the host of %j is %j", (endpoint, host) => {
  expect(hostOf(endpoint)).toBe(host);
});

it("names a daemon of this machine by its name alone, and every other one by its address", () => {
  const afar: Endpoint[] = [docker("ssh://lab1"), LOCAL.libvirt, { kind: "ec2", region: "eu-west-1" }];
  expect(endpointsWords(afar)).toBe("Docker at ssh://lab1 and libvirt and AWS (eu-west-1)");
  expect(endpointsWords([])).toBe("");
});

it("is the same by its address, whatever account or certificates it is used with", () => {
  const region = { kind: "ec2", region: "eu-west-1" } as const;
  expect(sameEndpoint(region, { ...region, account: "1" })).toBe(true);
  expect(sameEndpoint(docker("tcp://h:1"), { ...docker("tcp://h:1"), certPath: "/c" })).toBe(true);
  expect(sameEndpoint(docker("tcp://h:1"), docker("tcp://h:2"))).toBe(false);
  expect(sameEndpoint(LOCAL.docker, LOCAL.libvirt)).toBe(false);
  // A manager's own daemon, and its Swarm.
  const swarm = { ...docker("ssh://lab1"), swarm: { lab1: "ssh://lab1" } };
  expect(sameEndpoint(docker("ssh://lab1"), swarm)).toBe(false);
  expect(sameEndpoint(swarm, { ...swarm, swarm: {} })).toBe(true);
  expect(endpointWords(swarm)).toBe("Docker Swarm at ssh://lab1");
});

it("is read back as it was written, and nothing else is", () => {
  expect(endpointSchema.parse(JSON.parse(JSON.stringify(LOCAL.docker)))).toEqual(LOCAL.docker);
  expect(endpointSchema.safeParse({ kind: "swarm", host: "h" }).success).toBe(false);
});
