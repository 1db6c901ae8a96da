export type { Upstream } from './forward.ts'
export { type DnsOptions, type DnsServer, startDns } from './server.ts'
