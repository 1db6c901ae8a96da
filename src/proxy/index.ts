export type { Drift } from './audit.ts'
export { type Drain, type DrainOptions, startDrain } from './drain.ts'
export { type Kernel, systemKernel } from './kernel/kernel.ts'
export { type ProxyOptions, type ProxyStats, type RunningProxy, auditProxy, releaseProxy, startProxy } from './proxy.ts'
