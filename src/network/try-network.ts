import type { Scope } from '#base'
import { type IpFamily } from '#api'
import type { PolicyPlan } from './policy/model.ts'
import { changeOf, rulesetOf } from './policy/ruleset.ts'
import { ensureOverlay, removeOverlay } from './routes/overlay.ts'
import { runIn } from './routes/run-in.ts'

const TABLE = 'sampan_trial'
/** Something of everything that a policy can say. */
const RULE: PolicyPlan['groups'][number]['policies'][number]['rules'][number] = {
  peers: { addresses: [], blocks: [] },
  ports: { ranges: [{ protocol: 'SCTP', first: 1, last: 9 }], named: [] },
}
const PLAN: PolicyPlan = {
  groups: (['ingress', 'egress'] as const).map((direction) => ({
    direction,
    addresses: [],
    policies: [{ name: 'trial/trial', rules: [RULE, { peers: 'all', ports: 'all' }] }],
  })),
}

/** Whether the kernel takes everything that policies are made of: rejects with what it says where it does not. For a network that is thrown away. */
export async function tryPolicyRules(scope: Scope, netns: string, families: readonly IpFamily[]): Promise<void> {
  const commands = families.map((family) => changeOf(TABLE, family, undefined, rulesetOf(PLAN, family))).join('\n')
  await runIn(scope, netns)('nft', ['-f', '-'], [commands])
}

/** Whether nodes can pack what they send to each other: as above. */
export async function tryOverlay(scope: Scope, netns: string): Promise<void> {
  const run = runIn(scope, netns)
  await ensureOverlay(run, '127.0.0.1', ['10.255.255.1'])
  await removeOverlay(run)
}
