import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { UserError } from '#base'

/** A network namespace that stands for a machine, joined to this one by a link with two addresses. */
export interface Link {
  readonly namespace: string
  readonly machineAddress: string
  readonly nodeAddress: string
}

const MOST_LINKS = 250
const PREFIX = 'sampan'

/** Makes the first free one: making a namespace fails when its name is taken, so two instances never share one. */
export function claimLink(): Link {
  for (let i = 1; i <= MOST_LINKS; i++) {
    const namespace = `${PREFIX}${i}`
    if (existsSync(`/run/netns/${namespace}`)) continue
    if (spawnSync('ip', ['netns', 'add', namespace]).status !== 0) continue
    return { namespace, machineAddress: `10.199.${i}.1`, nodeAddress: `10.199.${i}.2` }
  }
  throw new UserError(`${MOST_LINKS} isolated instances exist on this machine`, 'remove some with: sampan reset --name NAME')
}

/** Idempotent: what is there stays. */
export function ensureLink(link: Link): void {
  const { namespace, machineAddress, nodeAddress } = link
  if (!existsSync(`/run/netns/${namespace}`)) ip('netns', 'add', namespace)
  if (spawnSync('ip', ['link', 'show', namespace]).status !== 0) ip('link', 'add', namespace, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
  ip('address', 'replace', `${machineAddress}/30`, 'dev', namespace)
  ip('link', 'set', namespace, 'up')
  const inside = (...args: readonly string[]): void => ip('-n', namespace, ...args)
  inside('link', 'set', 'lo', 'up')
  inside('address', 'replace', `${nodeAddress}/30`, 'dev', 'eth0')
  inside('link', 'set', 'eth0', 'up')
  inside('route', 'replace', 'default', 'via', machineAddress)
}

/** The link goes with the namespace. */
export function removeLink(namespace: string): void {
  if (existsSync(`/run/netns/${namespace}`)) ip('netns', 'delete', namespace)
  if (spawnSync('ip', ['link', 'show', namespace]).status === 0) ip('link', 'delete', namespace)
}

/** An address of the node's own, on its loopback interface. */
export function ensureLocalAddress(address: string): void {
  ip('address', 'replace', `${address}/32`, 'dev', 'lo')
}

export function removeLocalAddress(address: string): void {
  spawnSync('ip', ['address', 'delete', `${address}/32`, 'dev', 'lo'])
}

function ip(...args: readonly string[]): void {
  const run = spawnSync('ip', args, { encoding: 'utf8' })
  if (run.status !== 0) throw new UserError(`ip ${args.join(' ')} failed: ${run.stderr.trim() || run.error?.message || ''}`, 'this needs root and iproute2')
}
