export { type BreakerStatus, type TrafficPolicy, trafficRef } from './traffic/policy.ts'
export { type GatewayOptions, type RunningGateway, gatewayProcesses, releaseGateway, startGateway } from './gateway.ts'
