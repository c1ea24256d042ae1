import { expect, it } from "vitest";
import { addressHour, diskGiBMonth, instanceHours, parsePriceList } from "../../../drivers/ec2/price-list.js";
import { address, listed, machine, volume } from "./price-fixture.js";

it("reads machines on shared hardware with plain Linux, and no others", () => {
  const list = parsePriceList([
    machine("t3.small", "0.0208000000"),
    machine("t3.micro", "0.0104000000"),
    machine("t3.micro", "0.0196000000", { operatingSystem: "Windows" }),
    machine("t3.micro", "0.9000000000", { tenancy: "Dedicated" }),
    machine("t3.micro", "0.5000000000", { preInstalledSw: "SQL Web" }),
    machine("t3.micro", "0.0000000000", { capacitystatus: "AllocatedCapacityReservation" }),
    machine("p5.48xlarge", "31.4640000000", { marketoption: "CapacityBlock" }),
    machine("host", "0.0000000000"),
    volume("0.0800000000"),
  ]);
  expect(instanceHours(list)).toEqual({ "t3.micro": 0.0104, "t3.small": 0.0208 });
});

it("reads the volume of its kind by the month, not what its speed costs", () => {
  const speed = listed({ volumeApiName: "gp3" }, "IOPS-Mo", ["0.005"], "System Operation");
  expect(diskGiBMonth(parsePriceList([speed, volume("0.1", "gp2"), volume("0.088")]))).toBe(0.088);
  expect(diskGiBMonth(parsePriceList([speed]))).toBeUndefined();
});

it("reads an address in use, past what is given free", () => {
  const idle = address("0.0060000000", "EUC1-PublicIPv4:IdleAddress");
  expect(addressHour(parsePriceList([idle, address("0.0050000000")]))).toBe(0.005);
  expect(addressHour(parsePriceList([address("0.005", "PublicIPv4:InUseAddress")]))).toBe(0.005);
  expect(addressHour(parsePriceList([idle]))).toBeUndefined();
});

it("leaves out what has no on-demand price in dollars", () => {
  const reserved = JSON.parse(machine("t3.micro", "1"));
  delete reserved.terms.OnDemand;
  const yuan = machine("t3.micro", "1").replaceAll('"USD"', '"CNY"');
  expect(parsePriceList([JSON.stringify(reserved), yuan])).toEqual([]);
});

it.each(["{}", '{"product":{"attributes":{}},"terms":{"OnDemand":[1]}}', "no JSON"])(
  "takes %s for no product",
  (entry) => {
    expect(() => parsePriceList([entry])).toThrow();
  },
);
