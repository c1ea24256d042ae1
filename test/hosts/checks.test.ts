import { expect, it } from "vitest";
import { DockerDriver } from "../../drivers/docker/driver.js";
import { CHECKS } from "../../hosts/checks.js";
import { LOCAL } from "../../model/endpoint.js";

it("a Docker socket that this user may not open is no daemon to start", async () => {
  const docker = new DockerDriver(LOCAL.docker);
  const run = CHECKS.find(({ id }) => id === "docker")?.run;
  docker.client.ping = () =>
    Promise.reject(Object.assign(new Error("connect EACCES /var/run/docker.sock"), { code: "EACCES" }));
  const refused = await run?.({ docker });
  expect(refused).toMatchObject({ ok: false, fix: expect.stringContaining("usermod -aG docker") });
  expect(refused?.repair).toBeUndefined();
  docker.client.ping = () => Promise.reject(new Error("connect ECONNREFUSED"));
  expect((await run?.({ docker }))?.repair).toBeDefined();
});

it("a daemon on another host is named, and not started on this one", async () => {
  const docker = new DockerDriver({ kind: "docker", host: "tcp://lab1:2376" });
  docker.client.ping = () => Promise.reject(new Error("connect EHOSTUNREACH"));
  const finding = await CHECKS.find(({ id }) => id === "docker")?.run({ docker });
  expect(finding).toMatchObject({
    ok: false,
    found: "no answer from tcp://lab1:2376: connect EHOSTUNREACH",
    fix: expect.stringMatching(/^start it there/),
    elsewhere: "tcp://lab1:2376",
  });
  expect(finding?.repair).toBeUndefined();
});
