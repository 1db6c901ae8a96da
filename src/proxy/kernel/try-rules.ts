import { type IpFamily } from '#api'
import type { Scope } from '#base'
import type { Kernel } from './kernel.ts'
import { baseRuleset, chooserRules } from './ruleset.ts'

const TABLE = 'sampan_trial'
const AFFINITY_SECONDS = 10_800

/** Whether the kernel takes everything that Services are made of: rejects with what it says where it does not. It stays there; meant for a network that is thrown away. */
export async function tryProxyRules(scope: Scope, kernel: Kernel, families: readonly IpFamily[]): Promise<void> {
  const choosers = families.flatMap((family) =>
    [undefined, AFFINITY_SECONDS].map((affinitySeconds) => ({ family, place: 'services' as const, size: 2, affinitySeconds })),
  )
  await kernel.nft(
    scope,
    [
      ...families.map((family) => baseRuleset(TABLE, family, { podNetworks: [], serviceNetworks: [] })),
      ...choosers.map((chooser) => chooserRules(TABLE, chooser)),
    ].join('\n'),
  )
  await kernel.conntrack(scope, ['--count'])
}
