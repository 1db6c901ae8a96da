export { type NodeNetworkOptions, type NetworkMode, OVERLAY_MTU, startNodeNetwork } from './routes/node-network.ts'
