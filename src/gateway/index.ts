export { type GatewayOptions, type RunningGateway, gatewayProcesses, releaseGateway, startGateway } from './gateway.ts'
