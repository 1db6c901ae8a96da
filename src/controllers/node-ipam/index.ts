export { type NodeIpamOptions, nodeIpamController } from './node-ipam.ts'
