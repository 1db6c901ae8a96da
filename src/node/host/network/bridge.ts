import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { UserError } from '#base'

/** The switch of a node's pods, where they are on one. */
export const POD_BRIDGE = 'sampan-pods'

/** Whether what pods of one node say to each other passes the rules for packets of IP: without it no Service leads to a neighbour, and no policy holds. */
const SETTINGS = ['/proc/sys/net/bridge/bridge-nf-call-iptables', '/proc/sys/net/bridge/bridge-nf-call-ip6tables'] as const

export const kernelFiltersBridges = (): boolean => SETTINGS.every((setting) => existsSync(setting))

/** How the machine had it. Throws `UserError` where the kernel cannot do it. */
export function lookAtBridges(): readonly string[] {
  if (!kernelFiltersBridges())
    throw new UserError(
      'the kernel of this machine does not filter what passes a bridge',
      'load its module (modprobe br_netfilter), or use another --network',
    )
  return SETTINGS.map((setting) => readFileSync(setting, 'utf8').trim())
}

/** As a shell's commands. */
export const filterBridges = (): string => SETTINGS.map((setting) => `echo 1 > ${setting}`).join(' && ')

/** Puts the machine's settings back. */
export function restoreBridges(before: readonly string[]): void {
  for (const [index, setting] of SETTINGS.entries()) if (existsSync(setting)) writeFileSync(setting, before[index] ?? '1')
}

/** Works whether it is there or not: a shell's command. */
export const removePodBridge = (): string => `{ ip link delete ${POD_BRIDGE} 2>/dev/null || true; }`
