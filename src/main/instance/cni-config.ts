import { readFileSync } from 'node:fs'
import { UserError, messageOf } from '#base'
import { type IpFamily } from '#api'
import { ownChain } from '#node'
import type { UpFlags } from '../program/flags.ts'
import { OWN_CHAIN } from '../program/instance-flags.ts'
import { isAnyNodeUp } from './containerd.ts'
import { type Instance, familiesOf } from './instance.ts'

/** Of any node: which ranges it will have is decided later. */
const SOME_RANGE: Readonly<Record<IpFamily, string>> = { IPv4: '10.0.0.0/24', IPv6: 'fd00::/64' }

/** The chain of a new cluster. Throws `UserError` for a file that is none. */
export function chosenChain({ cniConfig, network }: UpFlags, families: readonly IpFamily[]): Pick<Instance, 'cniConfig'> {
  if (cniConfig === undefined || cniConfig === OWN_CHAIN) return {}
  if (network === 'bridge')
    throw new UserError('--cni-config says itself what links pods have: --network bridge would have no effect', 'give one of them')
  ownChain(
    cniConfig,
    read(cniConfig),
    families.map((family) => SOME_RANGE[family]),
  )
  return { cniConfig }
}

/** The same of one that is there. Pods are taken off a network by the plugins that put them on it: the chain is not changed under them. */
export function withCniConfig(stateDir: string, known: Instance, flags: UpFlags): Instance {
  const { cniConfig: before, ...rest } = known
  if (flags.cniConfig === undefined || flags.cniConfig === (before ?? OWN_CHAIN)) return known
  const changed = { ...rest, ...chosenChain({ ...flags, network: flags.network ?? known.networkMode }, familiesOf(known)) }
  if (isAnyNodeUp(stateDir, known))
    throw new UserError(
      `the cluster runs with ${before === undefined ? 'its own chain of CNI plugins' : `the chain of ${before}`}`,
      'stop it first: sampan down',
    )
  return changed
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UserError(`the chain of CNI plugins cannot be read: ${messageOf(error)}`, 'give --cni-config a file')
  }
}
