import { execFileSync } from 'node:child_process'

/** Writes a setting of the kernel (`net/ipv4/ip_forward`) in a network namespace by its name. `sysctl` is not on every machine. */
export function kernelSetting(namespace: string, path: string, value: number): void {
  execFileSync('nsenter', [`--net=/run/netns/${namespace}`, 'sh', '-c', `echo ${value} > /proc/sys/${path}`])
}
