import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { chosenEndpoints } from "../../cli/endpoints.js";
import { LOCAL } from "../../model/endpoint.js";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "trilab-endpoints-"));
  vi.stubEnv("XDG_CONFIG_HOME", join(home, "config"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

const configure = async (text: string): Promise<void> => {
  await mkdir(join(home, "config/trilab"), { recursive: true });
  await writeFile(join(home, "config/trilab/config.yaml"), text);
};
const chosen = (args = {}, env: Record<string, string> = {}) => chosenEndpoints(args, { HOME: home, ...env });

describe("the daemons of a new seat", () => {
  it("are this machine's where nothing says otherwise", async () => {
    expect(await chosen()).toEqual(LOCAL);
  });

  it("are chosen by flag, then environment, then configuration file", async () => {
    await configure("docker: tcp://file:2375\nlibvirt: qemu+ssh://file/system\n");
    const env = { DOCKER_HOST: "ssh://env", LIBVIRT_DEFAULT_URI: "qemu+ssh://env/system" };
    const flags = { docker: "ssh://flag", libvirt: "qemu+ssh://flag/system" };
    const names = async (...given: Parameters<typeof chosen>) => {
      const { docker, libvirt } = await chosen(...given);
      return [docker.host, libvirt.uri];
    };
    expect(await names(flags, env)).toEqual([flags.docker, flags.libvirt]);
    expect(await names({}, env)).toEqual([env.DOCKER_HOST, env.LIBVIRT_DEFAULT_URI]);
    expect(await names({}, { ...env, TRILAB_DOCKER_HOST: "ssh://ours" })).toEqual([
      "ssh://ours",
      env.LIBVIRT_DEFAULT_URI,
    ]);
    expect(await names()).toEqual(["tcp://file:2375", "qemu+ssh://file/system"]);
  });

  it("are a Swarm where the configuration file names its nodes, and no other daemon is chosen", async () => {
    await configure("docker: ssh://lab1\nswarm:\n  lab1: ssh://lab1\n  lab2: ssh://lab2\n");
    const swarm = { lab1: "ssh://lab1", lab2: "ssh://lab2" };
    expect((await chosen()).docker).toEqual({ kind: "docker", host: "ssh://lab1", swarm });
    expect((await chosen({ docker: "ssh://lab1" })).docker).not.toHaveProperty("swarm");
    await configure("docker: ssh://lab1\nswarm:\n  lab1: lab1\n");
    await expect(chosen()).rejects.toMatchObject({ exitCode: 2, message: '"lab1" is not a Docker endpoint' });
  });

  it("take certificates where Docker's own tools would", async () => {
    await mkdir(join(home, ".docker"));
    await writeFile(join(home, ".docker/ca.pem"), "");
    const tls = { kind: "docker", host: "tcp://h:2376", certPath: join(home, ".docker") };
    expect((await chosen({ docker: "tcp://h:2376" })).docker).toEqual(tls);
    expect((await chosen({ docker: "tcp://h:2375" })).docker).not.toHaveProperty("certPath");
    expect((await chosen({}, { DOCKER_HOST: "tcp://h:9", DOCKER_TLS_VERIFY: "1" })).docker).toMatchObject({
      certPath: join(home, ".docker"),
    });
    expect((await chosen({ docker: "ssh://h" }, { DOCKER_TLS_VERIFY: "1" })).docker).not.toHaveProperty(
      "certPath",
    );
  });

  it.each([
    [{ docker: "http://h" }, /is not a Docker endpoint/],
    [{ libvirt: "here" }, /is not a libvirt URI/],
  ])("%j is refused: exit 2", async (flags, message) => {
    await expect(chosen(flags)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(message),
    });
  });

  it("a configuration file with another key is refused: exit 2", async () => {
    await configure("host: lab1\n");
    await expect(chosen()).rejects.toMatchObject({
      exitCode: 2,
      why: expect.stringContaining("config.yaml"),
    });
  });

  it("a context that Docker does not know is refused: exit 2", async () => {
    await expect(
      chosen({}, { DOCKER_CONTEXT: "nowhere", PATH: process.env.PATH ?? "" }),
    ).rejects.toMatchObject({
      exitCode: 2,
      message: 'the Docker context "nowhere" can\'t be used',
    });
    expect((await chosen({}, { DOCKER_CONTEXT: "default" })).docker).toEqual(LOCAL.docker);
  });
});
