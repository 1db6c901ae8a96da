export { type Kernel, KernelRefused, systemKernel } from './kernel.ts'
export { type ProxyOptions, type RunningProxy, releaseProxy, startProxy } from './proxy.ts'
