import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
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

/** Idempotent: what is there stays. `owner` (the state folder) is written on the link: a name can have gone to another instance after a reset that was cut short. */
export function ensureLink(link: Link, owner: string): void {
  const { namespace, machineAddress, nodeAddress } = link
  const other = ownerOf(namespace)
  if (other !== undefined && other !== owner)
    throw new UserError(
      `the network ${namespace} is that of the cluster in ${other} now`,
      'finish the reset that was cut short (sampan reset), then start anew',
    )
  if (!existsSync(`/run/netns/${namespace}`)) ip('netns', 'add', namespace)
  if (!isLink(namespace)) ip('link', 'add', namespace, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
  ip('link', 'set', namespace, 'alias', owner)
  ip('address', 'replace', `${machineAddress}/30`, 'dev', namespace)
  ip('link', 'set', namespace, 'up')
  const inside = (...args: readonly string[]): void => ip('-n', namespace, ...args)
  inside('link', 'set', 'lo', 'up')
  inside('address', 'replace', `${nodeAddress}/30`, 'dev', 'eth0')
  inside('link', 'set', 'eth0', 'up')
  inside('route', 'replace', 'default', 'via', machineAddress)
}

/** The link first: the kernel takes its time with a namespace, and until then the name would seem to be in use. Leaves another owner's alone. */
export function removeLink(namespace: string, owner: string): void {
  const other = ownerOf(namespace)
  if (other !== undefined && other !== owner) return
  if (isLink(namespace)) ip('link', 'delete', namespace)
  if (existsSync(`/run/netns/${namespace}`)) ip('netns', 'delete', namespace)
}

const isLink = (name: string): boolean => existsSync(`/sys/class/net/${name}`)

function ownerOf(name: string): string | undefined {
  try {
    return readFileSync(`/sys/class/net/${name}/ifalias`, 'utf8').trim() || undefined
  } catch {
    return undefined
  }
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
  if (run.status !== 0)
    throw new UserError(`ip ${args.join(' ')} failed: ${run.stderr.trim() || run.error?.message || ''}`, 'this needs root and iproute2')
}
