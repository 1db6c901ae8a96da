import { familiesOf } from '#api'
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Scope, UserError } from '#base'
import { runCommand } from '../command.ts'
import type { HostLayout, HostOptions } from '../layout.ts'
import type { Machine } from '../machine/machine.ts'

const CONF = '/proc/sys/net/ipv6/conf'

/** Whether the kernel of this machine has IPv6 and it is not switched off. */
export function kernelSpeaksIPv6(): boolean {
  return existsSync(CONF) && readFileSync(`${CONF}/all/disable_ipv6`, 'utf8').trim() === '0'
}

export const speaksIPv6 = ({ clusterCidrs }: HostOptions): boolean => familiesOf(clusterCidrs).includes('IPv6')

/** What makes pods' links; and where they have IPv6, the same without waiting. */
export type LinkPlugin = 'ptp' | 'bridge'
export const quickPlugin = (plugin: LinkPlugin): string => `sampan-${plugin}`

/**
 * A pod's addresses are its own as soon as they are given (nobody else can have them: its node gives each to one), and it believes no router: otherwise the kernel waits
 * two seconds for somebody to object, and a sandbox with it.
 */
const quickScript = (plugin: LinkPlugin): string => `#!/bin/sh
if [ "$CNI_COMMAND" = ADD ]; then
  nsenter --net="$CNI_NETNS" sh -c 'cd ${CONF}/default && echo 0 > accept_dad && echo 0 > accept_ra' || exit 1
fi
exec "$CNI_PATH/${plugin}"
`

/** Where containerd finds the plugins, with ours among them: a directory on the disk, since nothing may be executed under /run. */
export function preparePlugins(layout: HostLayout, machine: Machine): void {
  const dir = layout.cni.binDir
  mkdirSync(dir, { recursive: true, mode: 0o755 })
  // Pods may start meanwhile: what is right stays.
  for (const plugin of readdirSync(machine.cniBinDir)) {
    const [from, to] = [join(machine.cniBinDir, plugin), join(dir, plugin)]
    if (linkedTo(to) === from) continue
    rmSync(to, { force: true })
    symlinkSync(from, to)
  }
  for (const plugin of ['ptp', 'bridge'] as const) {
    const script = join(dir, quickPlugin(plugin))
    writeFileSync(`${script}.new`, quickScript(plugin), { mode: 0o755 })
    renameSync(`${script}.new`, script)
  }
}

function linkedTo(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

/** How the machine was before its pods had IPv6. */
export interface BeforeIPv6 {
  readonly forwarding: string
  readonly acceptRa: string
  readonly acceptDad: string
  /** Links that learn their routes from routers. */
  readonly learning: readonly string[]
}

/** Throws `UserError` where the kernel has no IPv6. */
export async function lookAtIPv6(scope: Scope): Promise<BeforeIPv6> {
  if (!kernelSpeaksIPv6())
    throw new UserError(
      'the kernel of this machine has no IPv6, or it is switched off',
      'make the cluster with --ip-families IPv4, or switch it on (sysctl net.ipv6.conf.all.disable_ipv6=0, no ipv6.disable=1 on the kernel command line)',
    )
  const read = (name: string): string => readFileSync(`${CONF}/${name}`, 'utf8').trim()
  const listed = await runCommand(scope, 'ip', ['-6', '-j', 'route', 'show', 'proto', 'ra'])
  const routes = JSON.parse(listed.trim() || '[]') as readonly { readonly dev?: string }[]
  const learning = [...new Set(routes.flatMap(({ dev }) => dev ?? []))].filter((dev) => read(`${dev}/accept_ra`) === '1')
  return { forwarding: read('all/forwarding'), acceptRa: read('default/accept_ra'), acceptDad: read('default/accept_dad'), learning }
}

/** What makes the machine forward packets of IPv6 as a shell's commands. Links that learn their routes from routers go on doing so; those of pods, which are made after this, do not. */
export function forwardIPv6(learning: readonly string[]): string {
  return [
    `cd ${CONF}`,
    ...learning.map((dev) => `echo 2 > ${dev}/accept_ra`),
    'echo 1 > all/forwarding',
    'echo 0 > default/accept_ra',
    'echo 0 > default/accept_dad',
  ].join(' && ')
}

/** Puts the machine's settings back. */
export function restoreIPv6({ forwarding, acceptRa, acceptDad, learning }: BeforeIPv6): void {
  writeFileSync(`${CONF}/all/forwarding`, forwarding)
  writeFileSync(`${CONF}/default/accept_ra`, acceptRa)
  writeFileSync(`${CONF}/default/accept_dad`, acceptDad)
  for (const dev of learning) if (existsSync(`${CONF}/${dev}`)) writeFileSync(`${CONF}/${dev}/accept_ra`, '1')
}
