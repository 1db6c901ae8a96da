export { type AnnounceOptions, releaseAnnouncements, startAnnouncements } from './announce/announcer.ts'
export { type PolicyOptions, type RunningPolicies, releasePolicies, startPolicies } from './policy/enforcer.ts'
export type { StandIn } from './policy/model.ts'
export { type NetworkMode, type NodeNetworkOptions, OVERLAY_MTU, startNodeNetwork } from './routes/node-network.ts'
