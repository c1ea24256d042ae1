import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clearScript, FIREWALL, setScript, stands } from "../../hosts/firewall-rules.js";
import { bridgeName } from "../../model/naming.js";
import { greet, receive, spoof } from "../support/packets.js";

/**
 * The firewall on a host made of network namespaces: two machines, each on a seat's bridge of its own, and a computer
 * outside. Nothing of this machine's own network is touched.
 */
const A = {
  bridge: bridgeName({ lab: "x", seat: "a" }, "container"),
  at: "10.213.0.2",
  gateway: "10.213.0.1",
};
const B = { bridge: bridgeName({ lab: "x", seat: "b" }, "guest"), at: "10.213.1.2", gateway: "10.213.1.1" };
const OUTSIDE = "198.51.100.2";
const HOST = "198.51.100.1";
const METADATA = "169.254.169.254";
const FORMER = "FORWARD -s 10.213.0.0/16 -d 10.213.0.0/16 -m comment --comment trilab -j DROP".split(" ");

type Place = "host" | "a" | "b" | "outside";
/** Ends what was started, in reverse order. */
const ends: (() => Promise<unknown>)[] = [];
const pids: Partial<Record<Place, number>> = {};

/** A namespace lives as long as its `cat`, which ends with this process. */
async function namespace(place: Place): Promise<void> {
  const holder = execa("unshare", ["-n", "sh", "-c", "echo ready; exec cat"], {
    stdin: "pipe",
    reject: false,
  });
  ends.push(() => {
    holder.kill("SIGKILL");
    return holder;
  });
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  pids[place] = holder.pid ?? 0;
}
const nsenter = (place: Place): string[] => ["-t", String(pids[place]), "-n"];
const at = async (place: Place, command: string, ...args: string[]): Promise<string> =>
  (await execa("nsenter", [...nsenter(place), command, ...args], { stdin: "ignore" })).stdout;
const sh = (place: Place, script: string): Promise<string> => at(place, "sh", "-ec", script);

/** Answers every UDP datagram, as dnsmasq does. */
const answerUdp = (place: Place, address: string, port: number): Promise<Running> =>
  background(
    place,
    `use IO::Socket::IP; $| = 1;
    my $s = IO::Socket::IP->new(Proto => "udp", LocalHost => "${address}", LocalPort => ${port}) or die $@;
    print "ready\\n"; while (1) { my $p = $s->recv(my $m, 99); $s->send("answer", 0, $p) }`,
  );
interface Running {
  /** All it printed until it ended. */
  output(): Promise<string[]>;
}
/** Starts a Perl program, which prints a line when it is ready. */
async function background(place: Place, script: string): Promise<Running> {
  const child = execa("nsenter", [...nsenter(place), "perl", "-e", script], {
    stdin: "ignore",
    reject: false,
  });
  ends.push(() => {
    child.kill("SIGKILL");
    return child;
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    void child.then((result) => reject(new Error(result.stderr)));
  });
  return { output: async () => (await child).stdout.split("\n") };
}

/** What a listener says first by TCP, or nothing. */
const firstWords = (from: Place, address: string, port = 8000): Promise<string> =>
  at(from, "sh", "-c", `timeout 2 bash -c 'head -n1 </dev/tcp/${address}/${port}' || true`);
const answers = async (from: Place, addresses: Record<string, string>, port = 8000) => {
  const found = await Promise.all(
    Object.entries(addresses).map(async ([name, a]) => [name, await firstWords(from, a, port)]),
  );
  return Object.fromEntries(found);
};
const all = (names: Record<string, string>, word: string) =>
  Object.fromEntries(Object.keys(names).map((name) => [name, word]));

const sendAs = (...packet: Parameters<typeof spoof>): Promise<string> =>
  at("a", "perl", "-e", spoof(...packet));
/** All that B got by UDP until this host, or A's answered question, came after it. */
async function receivedByB(send: () => Promise<unknown>): Promise<string[]> {
  const listener = await background("b", receive(B.at, 7777));
  await send();
  await at("host", "bash", "-c", `printf end >/dev/udp/${B.at}/7777`);
  return (await listener.output()).slice(1);
}

const rules = async (): Promise<string> =>
  (await at("host", "iptables-save", "-t", "mangle")) + (await at("host", "ip6tables-save", "-t", "mangle"));
const chains = (saved: string): string[] => saved.split("\n").filter((l) => /^(-A|:TRILAB)/.test(l));
const standing = async (): Promise<boolean[]> =>
  Promise.all(FIREWALL.map(async (s) => stands(s, await at("host", `${s.program}-save`, "-t", "mangle"))));

const SERVICES = {
  "its gateway": A.gateway,
  "another seat's gateway": B.gateway,
  "the host's address outside": HOST,
  "a metadata service on the host": METADATA,
  "a metadata service behind the host": "169.254.169.250",
  "the host by IPv6": "", // set when its address is known
};

beforeAll(async () => {
  for (const place of ["host", "a", "b", "outside"] as const) await namespace(place);
  const link = (name: string, peer: Place) =>
    `ip link add ${name} type veth peer name eth0 netns ${pids[peer]}; ip link set ${name} up`;
  const bridged = (name: string, peer: Place, { bridge, gateway }: typeof A) =>
    `${link(name, peer)}; ip link add ${bridge} type bridge; ip link set ${name} master ${bridge}
     ip link set ${bridge} up; ip addr add ${gateway}/28 dev ${bridge}`;
  await sh(
    "host",
    `ip link set lo up; sysctl -qw net.ipv4.ip_forward=1
     ${link("up0", "outside")}; ip addr add ${HOST}/24 dev up0; ip route add default via ${OUTSIDE}
     ip addr add ${METADATA}/32 dev lo
     ${bridged("va", "a", A)}; ip -6 addr add fe80::1/64 dev ${A.bridge} nodad
     ${bridged("vb", "b", B)}`,
  );
  for (const [place, { at: address, gateway }] of [
    ["a", A],
    ["b", B],
  ] as const)
    await sh(
      place,
      `ip link set lo up; ip link set eth0 up; ip addr add ${address}/28 dev eth0; ip route add default via ${gateway}
       ip -6 addr add fe80::2/64 dev eth0 nodad`,
    );
  await sh(
    "outside",
    `ip link set eth0 up; ip addr add ${OUTSIDE}/24 dev eth0; ip addr add 169.254.169.250/32 dev eth0; ip route add 10.213.0.0/16 via ${HOST}`,
  );
  SERVICES["the host by IPv6"] = "fe80::1%eth0";
  await Promise.all([
    background("host", greet(8000)),
    background("outside", greet(8000)),
    background("a", greet(22)),
    background("b", greet(22)),
    background("host", greet(53)),
    answerUdp("host", A.gateway, 53),
  ]);
});

afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

describe("without the firewall, so that silence means something", () => {
  test("a machine reaches the host's services and the metadata", async () => {
    expect(await answers("a", SERVICES)).toEqual(all(SERVICES, "hello"));
    expect(await firstWords("a", B.at, 22)).toBe("hello");
  });
  test("a spoofed source reaches another seat, by routing and by an answer", async () => {
    expect(await receivedByB(() => sendAs("172.17.0.9", 1, B.at, 7777))).toEqual(["spoofed"]);
    expect(
      await receivedByB(async () => {
        await sendAs(B.at, 7777, A.gateway, 53);
        await ask();
      }),
    ).toEqual(["answer"]);
  });
});

/** A question of A's to its own resolver, which is answered after all that came before it. */
const ask = (): Promise<string> =>
  at(
    "a",
    "perl",
    "-e",
    `use IO::Socket::IP; my $s = IO::Socket::IP->new(Proto => "udp", PeerHost => "${A.gateway}", PeerPort => 53) or die $@;
    $SIG{ALRM} = sub { exit }; alarm 5; $s->send("question"); $s->recv(my $m, 99); print $m`,
  );

describe("with the firewall", () => {
  let before: string;
  beforeAll(async () => {
    before = await rules();
    await at("host", "iptables", "-t", "mangle", "-A", ...FORMER);
    expect(await standing()).toEqual([false, false]);
    await sh("host", setScript());
  });

  test("it stands, in place of the former rule, and set again it is the same", async () => {
    expect(await standing()).toEqual([true, true]);
    const once = chains(await rules());
    expect(once.join("\n")).not.toContain("-s 10.213");
    await sh("host", setScript());
    expect(chains(await rules())).toEqual(once);
  });

  test("no service of the host and no metadata answers a machine", async () => {
    const silent = all(SERVICES, "");
    expect(await answers("a", SERVICES)).toEqual(silent);
  });

  test("a machine gets out, by name: its gateway's DNS answers, and no other seat's", async () => {
    expect(await firstWords("a", OUTSIDE)).toBe("hello");
    expect(await ask()).toBe("answer");
    expect(await answers("a", { own: A.gateway, other: B.gateway }, 53)).toEqual({ own: "hello", other: "" });
  });

  test("a resolver that is link-local, or the host's own outside address, answers", async () => {
    expect(await answers("a", { metadata: METADATA, host: HOST }, 53)).toEqual({
      metadata: "hello",
      host: "hello",
    });
  });

  test("the host reaches the machines", async () => {
    expect(await answers("host", { a: A.at, b: B.at }, 22)).toEqual({ a: "hello", b: "hello" });
  });

  test("no seat reaches another's machine, whatever source its packets bear", async () => {
    expect(await firstWords("a", B.at, 22)).toBe("");
    const sources = ["172.17.0.9", A.at, B.gateway, HOST, OUTSIDE, "10.213.0.9"];
    const send = async () => {
      for (const source of sources) await sendAs(source, 1, B.at, 7777);
      await ask();
    };
    expect(await receivedByB(send)).toEqual([]);
  });

  test("nor by the answer to a question that bears the other's address", async () => {
    const send = async () => {
      await sendAs(B.at, 7777, A.gateway, 53);
      expect(await ask()).toBe("answer");
    };
    expect(await receivedByB(send)).toEqual([]);
  });

  test("a rule of the host's own, put before it, opens one service, also when it is set again", async () => {
    const rule = `PREROUTING -i tl+ -p tcp --dport 8000 -d ${A.gateway} -j ACCEPT`;
    await sh("host", `iptables -t mangle -I ${rule}`);
    await sh("host", setScript());
    expect(await answers("a", { gateway: A.gateway, other: HOST })).toEqual({ gateway: "hello", other: "" });
    await sh("host", `iptables -t mangle -D ${rule}`);
  });

  test("an older version of it is known for that, and replaced", async () => {
    await sh(
      "host",
      "iptables -t mangle -F TRILAB; iptables -t mangle -A TRILAB -m comment --comment trilab-0 -j DROP",
    );
    expect(await standing()).toEqual([false, true]);
    await sh("host", setScript());
    expect(await standing()).toEqual([true, true]);
  });

  test("taken away, nothing of it is left", async () => {
    await sh("host", clearScript());
    expect(chains(await rules())).toEqual(chains(before));
    await sh("host", clearScript());
    expect(await firstWords("a", A.gateway)).toBe("hello");
  });
});
