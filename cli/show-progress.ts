import type { StepEvent } from "../model/events.js";
import { settled } from "../model/events.js";
import { formatDuration } from "../model/units.js";

/** Shows the events of an operation while it runs, and returns its result. */
export type Follow = <T>(events: AsyncGenerator<StepEvent, T>) => Promise<T>;

/** Seconds after which the line display repeats what it waits for. */
const HEARTBEAT = 30;

/** A step that runs. */
interface Active {
  title: string;
  began: number;
  doing: string;
}

const keyOf = ({ machine, seat, step }: StepEvent): string =>
  [seat?.lab, seat?.seat, machine, step].join("/");

/** Lines for a log: a step's start, its news, its end. Prints nothing for a step that takes less than a second. */
export function lineFollow(write: (line: string) => void): Follow {
  return async (events) => {
    const active = new Map<string, Active & { said: boolean; timers: NodeJS.Timeout[] }>();
    const seconds = ({ began }: Active): number => (Date.now() - began) / 1000;
    const start = (key: string, { passing, title }: StepEvent): void => {
      const it = { title, began: Date.now(), doing: "", said: false, timers: [] as NodeJS.Timeout[] };
      const say = (line: string): void => {
        it.said = true;
        write(line);
      };
      it.timers.push(
        ...(passing ? [] : [setTimeout(() => say(`${title} …`), 1000)]),
        setInterval(
          () => say(`${title}: ${it.doing || "working"} (${formatDuration(seconds(it))})`),
          HEARTBEAT * 1000,
        ),
      );
      active.set(key, it);
    };
    const stop = (key: string): void => {
      for (const timer of active.get(key)?.timers ?? []) clearTimeout(timer);
      active.delete(key);
    };
    try {
      return await settled(events, (event) => {
        const key = keyOf(event);
        const it = active.get(key);
        if (event.state === "started") start(key, event);
        else if (event.state === "note") write(it ? `  ${event.text}` : (event.text ?? ""));
        else if (event.state === "progress" && it) it.doing = event.text ?? "";
        else if (it) {
          if (it.said && event.state === "done" && !event.passing)
            write(`${it.title}: done in ${seconds(it).toFixed(1)} s`);
          stop(key);
        }
      });
    } finally {
      for (const key of [...active.keys()]) stop(key);
    }
  };
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** One line for each running step, redrawn in place. A finished step stays as a line with its time. */
export function terminalFollow(stream: NodeJS.WriteStream, tell: (line: string) => void): Follow {
  return async (events) => {
    const { createLogUpdate } = await import("log-update");
    const { default: cliTruncate } = await import("cli-truncate");
    const draw = createLogUpdate(stream);
    const active = new Map<string, Active>();
    let frame = 0;
    const line = (text: string): string => cliTruncate(text, Math.max(20, (stream.columns ?? 80) - 1));
    const time = (began: number): string => {
      const seconds = (Date.now() - began) / 1000;
      return seconds < 1 ? "" : ` [${formatDuration(Math.round(seconds))}]`;
    };
    const redraw = (): void => {
      frame = (frame + 1) % FRAMES.length;
      const lines = [...active.values()].map(({ began, doing, title }) =>
        line(`${FRAMES[frame]} ${title}${time(began)}${doing ? ` › ${doing}` : ""}`),
      );
      if (lines.length > 0) draw(lines.join("\n"));
    };
    const keep = (text: string): void => {
      draw.clear();
      tell(text);
      redraw();
    };
    const timer = setInterval(redraw, 100);
    try {
      return await settled(events, (event) => {
        const key = keyOf(event);
        const it = active.get(key);
        if (event.state === "started") {
          active.set(key, { title: event.title, began: Date.now(), doing: "" });
          redraw();
        } else if (event.state === "note") keep(`  ${event.text}`);
        else if (event.state === "progress" && it) it.doing = event.text ?? "";
        else if (it) {
          active.delete(key);
          if (event.passing) redraw();
          else keep(line(`${event.state === "done" ? "✔" : "✖"} ${it.title}${time(it.began)}`));
        }
      });
    } finally {
      clearInterval(timer);
      draw.clear();
      draw.done();
    }
  };
}
