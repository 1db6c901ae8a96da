import { type IpFamily } from '#api'
import type { Scope } from '#base'
import type { Kernel } from './kernel/kernel.ts'

/** What about the kernel's settings will surprise, in words. They are the machine's owner's: nothing is changed here. */
export async function settingsToMind(scope: Scope, kernel: Kernel, families: readonly IpFamily[]): Promise<readonly string[]> {
  const read = async (name: string): Promise<string | undefined> => {
    try {
      return await kernel.setting(scope, name)
    } catch {
      scope.check()
      return undefined
    }
  }
  const [forwarding, forwarding6, bridged] = await Promise.all([
    read('net.ipv4.ip_forward'),
    families.includes('IPv6') ? read('net.ipv6.conf.all.forwarding') : undefined,
    read('net.bridge.bridge-nf-call-iptables'),
  ])
  return [
    ...(forwarding === '0' ? ['net.ipv4.ip_forward is 0: Services lead to no pod on another interface; set it to 1'] : []),
    ...(forwarding6 === '0'
      ? ['net.ipv6.conf.all.forwarding is 0: Services of IPv6 lead to no pod on another interface; set it to 1']
      : []),
    ...(bridged === '0'
      ? [
          'net.bridge.bridge-nf-call-iptables is 0: where pods hang on a bridge, one cannot reach another of its node through a Service; set it to 1',
        ]
      : []),
  ]
}
