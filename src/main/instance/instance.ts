import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '#base'

/**
 * One cluster on this machine. Everything that could meet another instance's (names of bridges, tables and control groups, address ranges,
 * ports) comes from here, is chosen once, and is written down in the state folder, so that several instances live beside each other.
 */
export interface Instance {
  readonly version: 1
  readonly name: string
  /** Tells instances on one machine apart: `sampan0` is the first one's bridge. */
  readonly index: number
  readonly securePort: number
  readonly podCidr: string
  readonly serviceCidr: string
  /** Where the cluster's DNS answers, inside the service range. */
  readonly dnsAddress: string
  readonly nodeName: string
  /** The node lives in a network namespace of its own, reachable from this machine only. */
  readonly isolated: boolean
}

/** Prefix of every name that this instance makes on the machine. At most 15 bytes where the kernel wants that. */
export const resourceName = (instance: Instance): string => `sampan${instance.index}`

const FILE = 'instance.json'

export function readInstance(stateDir: string): Instance | undefined {
  const file = join(stateDir, FILE)
  if (!existsSync(file)) return undefined
  const found: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (found === null || typeof found !== 'object' || !('version' in found) || found.version !== 1)
    throw new UserError(`${file} was written by another version of Sampan`, 'use that version, or another --state-dir')
  return found as Instance
}

export function writeInstance(stateDir: string, instance: Instance): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const file = join(stateDir, FILE)
  writeFileSync(`${file}.new`, `${JSON.stringify(instance, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
