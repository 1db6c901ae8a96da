import { createInterface } from 'node:readline/promises'
import { type Scope, UserError } from '#base'
import { isNotFound } from '#api'
import { formatTable } from '#cli'
import type { Client } from '#client'
import { type TrafficPolicy, trafficRef } from '#gateway'
import { asAdministrator } from '../../instance/connect.ts'
import type { BreakerFlags } from '../../program/flags.ts'

const AS = 'sampan-breaker'

export async function runBreakerStatus(name: string | undefined, flags: BreakerFlags): Promise<void> {
  await asAdministrator(flags, AS, async (scope, client) => {
    if (name !== undefined) {
      for (const line of linesOf(await one(scope, client, name, flags))) console.log(line)
      return
    }
    const { items } = await client.resource(trafficRef).list(scope, { namespace: flags.namespace })
    const rows = items
      .filter(({ spec }) => spec.breaker !== undefined)
      .map(({ metadata, spec, status }) => [
        metadata?.name ?? '',
        spec.service,
        status?.breaker?.state ?? 'Pending',
        spec.breaker?.force ?? '-',
        status?.breaker?.release?.name ?? '-',
        status?.breaker?.message ?? '',
      ])
    console.log(rows.length === 0 ? 'no breakers' : formatTable(['NAME', 'SERVICE', 'STATE', 'FORCED', 'RELEASE', 'MESSAGE'], rows))
  })
}

function linesOf({ metadata, spec, status }: TrafficPolicy): readonly string[] {
  const { breaker, ejected = [], conditions = [] } = status ?? {}
  const refused = conditions.find(({ type, status: holds }) => type === 'Accepted' && holds === 'False')
  return [
    `${metadata?.name ?? ''}: ${spec.breaker === undefined ? 'no breaker' : (breaker?.state ?? 'Pending')}, for the Service ${spec.service}${spec.paths === undefined ? '' : ` at ${spec.paths.join(', ')}`}`,
    ...(refused === undefined ? [] : [`not in effect: ${refused.message}`]),
    ...(breaker === undefined
      ? []
      : [`since ${breaker.since}${breaker.until === undefined ? '' : `, until ${breaker.until}`}: ${breaker.message}`]),
    ...(breaker?.release === undefined
      ? []
      : [`the release ${breaker.release.name} was ${breaker.release.phase} then; sampan release status ${breaker.release.name}`]),
    ...(spec.breaker?.force === undefined
      ? []
      : [`held ${spec.breaker.force} by hand; sampan breaker auto ${metadata?.name ?? ''} ends that`]),
    ...ejected.map(({ address, until }) => `the endpoint ${address} gets no requests until ${until}`),
  ]
}

const FORCE = { open: 'Open', close: 'Closed', auto: null } as const
const MEANING = {
  open: 'all its requests get the fallback',
  close: 'all its requests pass, whatever they come to',
  auto: 'it goes on by what is counted',
} as const

export async function runBreakerForce(verb: keyof typeof FORCE, name: string, flags: BreakerFlags): Promise<void> {
  await asAdministrator(flags, AS, async (scope, client) => {
    const policy = await one(scope, client, name, flags)
    if (policy.spec.breaker === undefined) throw new UserError(`${name} has no breaker`, 'kubectl explain trafficpolicy.spec.breaker')
    if (!flags.yes) await confirmed(`${name}, for the Service ${policy.spec.service}: ${MEANING[verb]}.`)
    const body = { metadata: { resourceVersion: policy.metadata?.resourceVersion }, spec: { breaker: { force: FORCE[verb] } } }
    await client.resource(trafficRef).patch(scope, { namespace: flags.namespace, name }, { type: 'merge', body })
    console.log(`${name}: ${MEANING[verb]}`)
  })
}

/** Returns when a person has agreed. */
async function confirmed(what: string): Promise<void> {
  if (!process.stdin.isTTY) throw new UserError(`${what} Nobody is here to agree to that`, 'give --yes')
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    const answer = await terminal.question(`${what} Go on? [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new UserError('nothing was changed', 'answer y, or give --yes')
  } finally {
    terminal.close()
  }
}

async function one(scope: Scope, client: Client, name: string, { namespace }: BreakerFlags): Promise<TrafficPolicy> {
  try {
    return await client.resource(trafficRef).get(scope, { namespace, name })
  } catch (error) {
    if (!isNotFound(error)) throw error
    throw new UserError(`there is no TrafficPolicy ${name} in the namespace ${namespace}`, 'sampan breaker status shows which there are')
  }
}
