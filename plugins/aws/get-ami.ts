import { type EC2Client, type Image, paginateDescribeImages } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { arnOf } from "../../drivers/ec2/client.js";
import { asking } from "../../drivers/ec2/errors.js";
import { tagMap } from "../../drivers/ec2/tags.js";
import { defineDataSource } from "../harness/data-source.js";
import { bag } from "../harness/values.js";
import { filterList, filtersSchema } from "./filters.js";

const schema = z.strictObject({
  /** Account IDs, `amazon`, `self`. */
  owners: z.array(z.string()).optional(),
  filters: filtersSchema.optional(),
  executableUsers: z.array(z.string()).optional(),
  /** A regular expression for the image's name, applied after AWS's filters. */
  nameRegex: z.string().optional(),
  /** Take the newest if there are several. Default false: several are an error. */
  mostRecent: z.boolean().optional(),
  includeDeprecated: z.boolean().optional(),
});

/** Finds one image. Returns the properties by which images are chosen, not all that the official provider returns. */
export const getAmi = defineDataSource<typeof schema, EC2Client>({
  token: "aws:ec2/getAmi:getAmi",
  schema,

  async look(args, ctx) {
    const client = await ctx.client();
    const images = await matching(client, args);
    const [image, second] = images;
    const searched = `owners ${args.owners?.join(", ") ?? "any"}${(args.filters ?? []).map((filter) => `, ${filter.name} ${filter.values.join("|")}`).join("")}`;
    if (!image?.ImageId)
      throw new UserError("no image was found", {
        why: `this region has no image with ${searched}`,
        fix: "check the owner, the filters and the region",
      });
    if (second && !args.mostRecent)
      throw new UserError(`${images.length} images were found, but only one is allowed`, {
        why: searched,
        fix: "narrow the filters, or set mostRecent: true",
      });
    return bag({ ...args, ...described(image), arn: await arnOf(client, "", "image", image.ImageId) });
  },
});

/** The matching images, newest first. */
async function matching(client: EC2Client, args: z.output<typeof schema>): Promise<Image[]> {
  const pattern = args.nameRegex === undefined ? undefined : new RegExp(args.nameRegex);
  const request = {
    Filters: filterList(args.filters),
    IncludeDeprecated: args.includeDeprecated ?? false,
    Owners: args.owners,
    ExecutableUsers: args.executableUsers,
  };
  const images = await asking("images could not be looked for", async () => {
    const all: Image[] = [];
    for await (const page of paginateDescribeImages({ client }, request)) all.push(...(page.Images ?? []));
    return all;
  });
  const created = (image: Image): number => Date.parse(image.CreationDate ?? "");
  return images
    .filter((image) => pattern?.test(image.Name ?? "") ?? true)
    .sort((a, b) => created(b) - created(a));
}

function described(image: Image): object {
  const root = image.BlockDeviceMappings?.find((device) => device.DeviceName === image.RootDeviceName);
  return {
    id: image.ImageId,
    imageId: image.ImageId,
    name: image.Name,
    description: image.Description ?? "",
    architecture: image.Architecture,
    creationDate: image.CreationDate,
    deprecationTime: image.DeprecationTime ?? "",
    enaSupport: image.EnaSupport ?? false,
    hypervisor: image.Hypervisor,
    imageLocation: image.ImageLocation,
    imageOwnerAlias: image.ImageOwnerAlias ?? "",
    imageType: image.ImageType,
    imdsSupport: image.ImdsSupport ?? "",
    bootMode: image.BootMode ?? "",
    ownerId: image.OwnerId,
    platformDetails: image.PlatformDetails ?? "",
    public: image.Public ?? false,
    rootDeviceName: image.RootDeviceName,
    rootDeviceType: image.RootDeviceType,
    rootSnapshotId: root?.Ebs?.SnapshotId ?? "",
    state: image.State,
    tags: tagMap(image.Tags),
    virtualizationType: image.VirtualizationType,
  };
}
