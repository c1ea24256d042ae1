// Opens the baseline of a container, starts a command in it that does not end, and waits to be killed.
import { connect } from "../../dist/drivers/drivers.js";
import { LOCAL } from "../../dist/model/endpoint.js";
import { Baseline } from "../../dist/probes/baseline.js";

const baseline = await Baseline.open(
  [{ machine: connect(LOCAL.docker).machine(process.argv[2], "lab") }],
  "lab",
);
void baseline.exec(["sh", "-c", "touch /var/tmp/started; sleep 600"], { timeoutMs: 600_000 });
while ((await baseline.exec(["test", "-e", "/var/tmp/started"])).exitCode !== 0);
process.stdout.write("started\n");
setInterval(() => {}, 1000);
