import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { core } from '#api'

export interface Hostname {
  readonly hostname: string
  /** Empty when the pod has no subdomain. */
  readonly domain: string
}

const LONGEST_HOSTNAME = 63

/** The pod's host name and domain; the name is cut to what the kernel takes. */
export function hostnameOf(pod: core.Pod, clusterDomain: string): Hostname {
  const { hostname, subdomain, hostnameOverride } = pod.spec ?? {}
  if (hostnameOverride !== undefined) return { hostname: hostnameOverride, domain: '' }
  const wanted = hostname !== undefined && hostname !== '' ? hostname : (pod.metadata?.name ?? '')
  const domain = subdomain === undefined || subdomain === '' ? '' : `${subdomain}.${pod.metadata?.namespace ?? ''}.svc.${clusterDomain}`
  return { hostname: wanted.slice(0, LONGEST_HOSTNAME).replace(/[-.]+$/, ''), domain }
}

/** /etc/hosts of a pod with a network of its own, or the node's with the pod's aliases added. */
export function hostsFile(pod: core.Pod, podIps: readonly string[], { hostname, domain }: Hostname, nodeHosts: string): string {
  const aliases = (pod.spec?.hostAliases ?? []).map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}\n`)
  const tail = aliases.length === 0 ? '' : `\n# Entries added by HostAliases.\n${aliases.join('')}`
  if (pod.spec?.hostNetwork === true) return `# Kubernetes-managed hosts file (host network).\n${nodeHosts}${tail}`
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...podIps.map((ip) => (domain === '' ? `${ip}\t${hostname}` : `${ip}\t${hostname}.${domain}\t${hostname}`)),
  ]
  return `${lines.join('\n')}\n${tail}`
}

/** Where a pod's hosts file lies in its folder. Its containers may write it: what it has become counts as the pod's use of the disk. */
export const hostsPathOf = (podDir: string): string => join(podDir, 'etc-hosts')

/** Written in place, as it is mounted as a file; not at all when it is as it should be. A container may have made it of any size, so it is read at its right size only. */
export async function keepHostsFile(path: string, text: string): Promise<void> {
  const size = await stat(path).then(
    (info) => info.size,
    () => undefined,
  )
  if (size !== Buffer.byteLength(text) || (await readFile(path, 'utf8')) !== text) await writeFile(path, text, { mode: 0o644 })
}
