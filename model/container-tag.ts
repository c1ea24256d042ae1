/** The name of a matched image in a Docker daemon: `trilab/machine:<hash>`. */
export const containerTag = (hash: string): string => `trilab/machine:${hash}`;
