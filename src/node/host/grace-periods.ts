import { readFileSync, writeFileSync } from 'node:fs'

/**
 * Whether the kernel hurries RCU grace periods along. Every mount, network interface, namespace and cgroup of a container's life waits for
 * several of them: hurried, a pod starts and stops about a quarter sooner. The price is a few interrupts to other processors meanwhile.
 */
const SWITCH = '/sys/kernel/rcu_expedited'

/** '0' or '1'; undefined where the kernel has no such switch. */
export function gracePeriodsSwitch(): string | undefined {
  try {
    return readFileSync(SWITCH, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** Only ever makes pods faster: a machine that does not let it be switched stays as it is. */
export function switchGracePeriods(to: string): void {
  try {
    if (gracePeriodsSwitch() !== to) writeFileSync(SWITCH, to)
  } catch {
    // A container's read-only /sys.
  }
}
