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
