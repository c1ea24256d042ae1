/** The phases of a build, with the percentage of its time at which each begins and ends, as measured. */
const phases: ReadonlyArray<{ marker: RegExp; text: string; from: number; to: number }> = [
  { marker: /^I: running apt-get update/, text: "reading package lists", from: 0, to: 5 },
  { marker: /^I: downloading packages/, text: "downloading Debian's essential packages", from: 5, to: 15 },
  { marker: /^I: extracting archives/, text: "unpacking essential packages", from: 15, to: 25 },
  { marker: /^I: installing essential/, text: "installing essential packages", from: 25, to: 45 },
  { marker: /^I: installing remaining/, text: "installing packages", from: 45, to: 90 },
  { marker: /^I: running .*hook/, text: "configuring the machine", from: 90, to: 92 },
  { marker: /^I: creating tarball/, text: "writing the root file system", from: 92, to: 100 },
];

/** Turns mmdebstrap's verbose output into "installing packages (63 %)". */
export class MmdebstrapProgress {
  #phase = phases[0];
  #packages = 0;
  #steps = 0;
  #last = "";

  /** @returns the text to show now, or `undefined` if the line changes nothing. */
  feed(line: string): string | undefined {
    const phase = phases.find(({ marker }) => marker.test(line));
    if (phase !== undefined) {
      this.#phase = phase;
      this.#steps = 0;
    }
    const planned = /(\d+) newly installed/.exec(line)?.[1];
    if (planned !== undefined) this.#packages = Number(planned);
    if (/^(Unpacking|Setting up) /.test(line)) this.#steps += 1;
    if (this.#phase === undefined) return undefined;
    const { text, from, to } = this.#phase;
    // Each package is unpacked, then set up.
    const share = this.#packages === 0 ? 0 : Math.min(1, this.#steps / (2 * this.#packages));
    const shown = `${text} (${Math.round(from + (to - from) * share)} %)`;
    if (shown === this.#last) return undefined;
    this.#last = shown;
    return shown;
  }
}
