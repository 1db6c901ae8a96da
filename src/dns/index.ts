export type { Upstream } from './ask.ts'
export { type DnsOptions, type DnsServer, startDns } from './server.ts'
