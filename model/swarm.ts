/** Marks what a Docker Swarm made on one of its nodes for a seat. The node's own daemon, asked about its containers, leaves it out. */
export const SWARM_LABEL = "trilab.swarm";
