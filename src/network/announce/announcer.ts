import { type Scope, isCancelled, messageOf, runProgram } from '#base'
import { type core, refs } from '#api'
import type { Informers } from '#reconcile'
import { planAnnouncements } from './plan-announce.ts'

export interface AnnounceOptions {
  readonly informers: Informers
  readonly nodeName: string
  /** The addresses that may be announced: those of the pool for load balancers. */
  readonly pool: string
  /** Towards those who may ask; `lo` where nobody but this machine may. */
  readonly device: string
  readonly netns?: string
}

const RETRY_MS = 1000
const LIMIT_MS = 20_000
const SERVICE_LABEL = 'kubernetes.io/service-name'
const BY_SERVICE = 'announce-service'

/**
 * Has this node answer, on its network, for the addresses of load balancers that fall to it: the kernel answers who asks for an address of its own, and the proxy's rules
 * do the rest. Until the scope is cancelled; the addresses stay, since connections go on. Make it before the informers are started.
 */
export function startAnnouncements(scope: Scope, options: AnnounceOptions): void {
  const { informers, nodeName } = options
  const [nodes, services, slices] = [
    informers.informer(refs.nodes),
    informers.informer(refs.services),
    informers.informer(refs.endpointslices),
  ]
  slices.addIndex(BY_SERVICE, ({ metadata }) => [`${metadata?.namespace ?? ''}/${metadata?.labels?.[SERVICE_LABEL] ?? ''}`])
  const isOurs = inRange(options.pool)
  let dirty = true
  let wake = (): void => undefined
  const changed = (): void => {
    dirty = true
    wake()
  }
  nodes.onChange(({ old, now }) => {
    if (serves(old) !== serves(now)) changed()
  })
  const isBalancer = (service: core.Service | undefined): boolean => service?.spec?.type === 'LoadBalancer'
  services.onChange(({ old, now }) => {
    if (isBalancer(old) || isBalancer(now)) changed()
  })
  slices.onChange(({ old, now }) => {
    const { namespace = '', labels } = (now ?? old)?.metadata ?? {}
    if (isBalancer(services.get(`${namespace}/${labels?.[SERVICE_LABEL] ?? ''}`))) changed()
  })
  const run = async (): Promise<void> => {
    await Promise.all([nodes.waitForSync(scope), services.waitForSync(scope), slices.waitForSync(scope)])
    for (;;) {
      if (!dirty)
        await new Promise<void>((resolve, reject) => {
          wake = resolve
          scope.signal.addEventListener('abort', () => reject(scope.signal.reason), { once: true })
        })
      dirty = false
      try {
        const slicesOf = ({ metadata }: core.Service): ReturnType<typeof slices.byIndex> =>
          slices.byIndex(BY_SERVICE, `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`)
        const wanted = planAnnouncements({ nodeName, nodes: nodes.list(), services: services.list(), slicesOf, isOurs })
        await change(scope, options.device, options.netns, wanted)
      } catch (error) {
        scope.check()
        scope.log.error('addresses of load balancers not announced', { error: messageOf(error) })
        dirty = true
        await scope.sleep(RETRY_MS)
      }
    }
  }
  run().catch((error: unknown) => {
    if (!isCancelled(error)) scope.log.error('addresses of load balancers are not announced any more', { error: messageOf(error) })
  })
}

/** Takes all announcements of this node back. A link that is not there, as in a cluster that was made by half, has none. */
export async function releaseAnnouncements(scope: Scope, device: string, netns?: string): Promise<void> {
  const { code } = await runProgram(scope, [...within(netns), 'ip', 'link', 'show', 'dev', device], { limitMs: LIMIT_MS })
  if (code === 0) await change(scope, device, netns, [])
}

const within = (netns: string | undefined): readonly string[] => (netns === undefined ? [] : ['nsenter', `--net=${netns}`])

async function change(scope: Scope, device: string, netns: string | undefined, wanted: readonly string[]): Promise<void> {
  const run = async (command: readonly string[], lines: readonly string[] = []): Promise<string> => {
    const { code, stdout, stderr } = await runProgram(scope, [...within(netns), ...command], {
      input: `${lines.join('\n')}\n`,
      limitMs: LIMIT_MS,
    })
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr}`)
    return stdout
  }
  const listed = JSON.parse((await run(['ip', '-j', 'address', 'show', 'dev', device])).trim() || '[]') as readonly LinkAddresses[]
  const label = labelOn(device)
  const present = new Set(
    listed.flatMap(({ addr_info }) => addr_info ?? []).flatMap((one) => (one.label === label ? (one.local ?? []) : [])),
  )
  const added = wanted.filter((address) => !present.has(address))
  const commands = [
    ...[...present].filter((address) => !wanted.includes(address)).map((address) => `address del ${address}/32 dev ${device}`),
    ...added.map((address) => `address add ${address}/32 dev ${device} label ${label}`),
  ]
  if (commands.length > 0) await run(['ip', '-batch', '-'], commands)
  if (added.length > 0 && device !== 'lo') {
    // Neighbours may still know the node that had the address before. Asked so, the kernel tells them all when a link gets a hardware address, even the one it has.
    await run(['sh', '-c', `echo 1 > /proc/sys/net/ipv4/conf/${device}/arp_notify`])
    const hardware = listed.find(({ address }) => address !== undefined)?.address
    if (hardware !== undefined) await run(['ip', 'link', 'set', 'dev', device, 'address', hardware])
  }
}

interface LinkAddresses {
  readonly address?: string
  readonly addr_info?: readonly { readonly local?: string; readonly label?: string }[]
}

/** Marks our addresses: whatever else carries it is removed. At most 15 characters, and the device's name in front. */
const labelOn = (device: string): string => `${device}:lb`.slice(-15)

const serves = (node: core.Node | undefined): string =>
  JSON.stringify([node?.metadata?.labels, node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status])

function inRange(cidr: string): (address: string) => boolean {
  const [network = '', bits = '32'] = cidr.split('/')
  const size = 2 ** (32 - Number(bits))
  const number = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const of = (address: string): number => Math.floor(number(address) / size)
  return (address) => of(address) === of(network)
}
