import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '#base'

/**
 * One cluster on this machine. Everything that could meet another instance's (names of namespaces, tables and control groups, address ranges,
 * ports) comes from here, is chosen once, and is written down in the state folder, so that several instances live beside each other.
 */
export interface Instance {
  readonly version: 1
  readonly name: string
  readonly securePort: number
  /** Address of the node; in an isolated instance one of a link of its own. */
  readonly nodeAddress: string
  /** Address of this machine as the node sees it: where pods reach the API. */
  readonly machineAddress: string
  /** The node lives in a network namespace of this name, reachable from this machine only. */
  readonly namespace?: string
}

export const POD_CIDR = '10.244.0.0/24'
export const CLUSTER_CIDR = '10.244.0.0/16'
export const SERVICE_CIDR = '10.96.0.0/16'
/** Where every pod asks for names. */
export const DNS_SERVICE = '10.96.0.10'
/** Where the node answers them. */
export const DNS_ADDRESS = '10.244.0.1'
export const NODE_PORT_OF_EXAMPLE = 30_080

export const netnsPath = (instance: Instance): string | undefined =>
  instance.namespace === undefined ? undefined : `/run/netns/${instance.namespace}`
export const proxyTable = (instance: Instance): string => `sampan_${instance.name.replaceAll('-', '_')}_services`
export const nodeName = (instance: Instance): string => (instance.name === 'default' ? 'sampan' : `sampan-${instance.name}`)

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
  mkdirSync(stateDir, { recursive: true, mode: 0o711 })
  const file = join(stateDir, FILE)
  writeFileSync(`${file}.new`, `${JSON.stringify(instance, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
