import type { ClassPlan } from "../../classes/plan-class.js";
import { formatSize } from "../../model/units.js";
import { classFileOptions, classFilePositional, classWish } from "../class-meant.js";
import { columns, report, type Style } from "../context.js";
import { defineCommand } from "../define-command.js";

export const classPlan = defineCommand({
  usage: "plan [file]",
  description: "say what class up would do, and whether it fits; nothing is made",
  positionals: classFilePositional,
  options: classFileOptions,
  handler: async (args, ctx) => {
    const { planClass } = await import("../../classes/plan-class.js");
    const plan = await planClass(await classWish(args));
    report(ctx, "class-plan", planData(plan), () => planLines(plan, ctx.style));
    return undefined;
  },
});

const planData = ({ hosts, lab, name, seats, staying }: ClassPlan): object => ({
  class: name,
  lab: lab.name,
  hosts: hosts.map(({ drivers: _, ...host }) => host),
  seats: seats.map(({ host, learner, plan }) => ({
    ...learner,
    host,
    targets: plan.targets,
    new: plan.existing === undefined,
  })),
  left: staying,
});

/** What `class up` will do, in a few lines. */
export function planLines({ hosts, lab, name, seats, staying }: ClassPlan, style: Style): string[] {
  const news = seats.filter(({ plan }) => plan.existing === undefined).length;
  return [
    style.bold(`class ${name}: lab ${lab.name}, ${seats.length} learners`),
    `${news} new seats, ${seats.length - news} existing ones`,
    ...columns([
      ["HOST", "SEATS NOW", "SEATS PLANNED", "MEMORY OF ITS GUESTS"].map(style.bold),
      ...hosts.map((host) => [
        host.name,
        String(host.now),
        String(host.planned),
        `${formatSize(host.guestMemory)} of ${formatSize(host.memory)}`,
      ]),
    ]),
    style.dim("A container takes the memory that it uses; a guest may take all that it is given."),
    ...staying.map(({ name: learner, seat }) =>
      style.warn(
        `${learner || seat} is not in the roster any more; seat ${seat} stays (to remove it: trilab down ${lab.name} --seat ${seat})`,
      ),
    ),
  ];
}
