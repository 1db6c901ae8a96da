import { type Scope, UserError } from '#base'
import { type ResourceRef, type authentication, isNotFound, labelSelectorOf, refs } from '#api'
import { formatTable } from '#cli'
import type { Client } from '#client'
import { type Release, recordOf, releaseRef } from '#delivery'
import type { ReleaseFlags, ReleasePromoteFlags, ReleaseStartFlags } from '../../program/flags.ts'
import { asAdministrator } from '../../instance/connect.ts'
import { type Wish, releaseIn } from './release-file.ts'

const AS = 'sampan-release'

const { group, version, kind, plural, namespaced } = releaseRef
const wishRef: ResourceRef<Wish> = { group, version, kind, plural, namespaced }

export async function runStart(name: string | undefined, flags: ReleaseStartFlags): Promise<void> {
  await asAdministrator(flags, AS, async (scope, client) => {
    const asked = flags.file === undefined ? fromFlags(flags) : releaseIn(flags.file)
    const author = await whoAmI(scope, client)
    const made = await client.resource(wishRef).create(scope, {
      ...asked,
      metadata: { ...asked.metadata, name: name ?? asked.metadata?.name ?? '', namespace: asked.metadata?.namespace ?? flags.namespace },
      spec: { ...asked.spec, author: asked.spec?.author ?? author },
    })
    console.log(`the release ${made.metadata?.name ?? ''} begins; sampan release status ${made.metadata?.name ?? ''} tells how it is`)
  })
}

/** What the API server fills in is left out. */
function fromFlags({ deployment, image, service, ingress, httpRoute, strategy, weights, batches, promotion }: ReleaseStartFlags): Wish {
  if (deployment === undefined || image.length === 0)
    throw new UserError('it is not said what is released', 'give --deployment and --image CONTAINER=IMAGE, or --file')
  const images = Object.fromEntries(
    image.map((one) => {
      const at = one.indexOf('=')
      if (at < 1) throw new UserError(`not a container and its image: ${one}`, 'for example --image web=registry.example/shop:2')
      return [one.slice(0, at), one.slice(at + 1)]
    }),
  )
  const isCanary = strategy === 'Canary'
  const spec = {
    deployment,
    images,
    promotion,
    ...(service === undefined ? {} : { service }),
    ...(ingress === undefined ? {} : { ingress }),
    ...(httpRoute === undefined ? {} : { httpRoute }),
    strategy: {
      type: strategy,
      ...(isCanary ? { canary: { steps: weights.map((weight) => ({ weight })) } } : {}),
      ...(strategy === 'Batches' ? { batches: { count: batches } } : {}),
    },
    ...(isCanary ? { analysis: {} } : {}),
  }
  return { metadata: {}, spec }
}

export async function runStatus(name: string | undefined, flags: ReleaseFlags): Promise<void> {
  await asAdministrator(flags, AS, async (scope, client) => {
    const releases = client.resource(releaseRef)
    if (name === undefined) {
      const { items } = await releases.list(scope, { namespace: flags.namespace })
      const rows = items.map(({ metadata, spec, status }) => [
        metadata?.name ?? '',
        spec.deployment,
        spec.strategy.type,
        status?.phase ?? 'Pending',
        String(status?.weight ?? 0),
        status?.verdict ?? '-',
      ])
      console.log(rows.length === 0 ? 'no releases' : formatTable(['NAME', 'DEPLOYMENT', 'STRATEGY', 'PHASE', 'WEIGHT', 'VERDICT'], rows))
      return
    }
    const { status, spec } = await one(scope, client, name, flags)
    console.log(`${name}: ${status?.phase ?? 'Pending'} (${status?.reason ?? 'Pending'}) ${status?.message ?? ''}`.trim())
    console.log(
      `the Deployment ${spec.deployment}, ${spec.strategy.type}, attempt ${status?.attempt ?? spec.attempt}, ${status?.weight ?? 0} of 100 requests to the new version`,
    )
    for (const { time, phase, weight, message, by } of status?.history ?? [])
      console.log(`${time}  ${phase.padEnd(11)} ${String(weight).padStart(3)}  ${message}${by === undefined ? '' : ` (${by})`}`)
  })
}

export async function runPromote(name: string, flags: ReleasePromoteFlags): Promise<void> {
  await asAdministrator(flags, AS, async (scope, client) => {
    const { spec, status, metadata } = await one(scope, client, name, flags)
    const attempt = status?.attempt ?? spec.attempt
    const step = status?.step ?? 0
    const by = await whoAmI(scope, client)
    const change = flags.full ? { promoteAttempt: attempt } : { approvals: [...(spec.approvals ?? []), { attempt, step, by }] }
    // Of the object that was looked at: an approval of another step than was seen is none.
    await say(scope, client, name, flags, { metadata: { resourceVersion: metadata?.resourceVersion }, spec: change })
    console.log(flags.full ? `${name} goes on to its end` : `step ${step} of ${name} is approved`)
  })
}

export async function runChange(verb: 'pause' | 'resume' | 'abort' | 'retry', name: string, flags: ReleaseFlags): Promise<void> {
  await asAdministrator(flags, AS, async (scope, client) => {
    const { spec, status } = await one(scope, client, name, flags)
    const attempt = status?.attempt ?? spec.attempt
    const isOver = status !== undefined && ['Succeeded', 'RolledBack', 'Refused'].includes(status.phase)
    if (verb === 'retry' && !isOver) throw new UserError(`${name} has not ended`, `sampan release abort ${name} ends it`)
    if (verb !== 'retry' && isOver) throw new UserError(`${name} has ended`, `sampan release retry ${name} begins anew`)
    const changes = {
      pause: { paused: true },
      resume: { paused: false },
      abort: { abortAttempt: attempt },
      retry: { attempt: attempt + 1, paused: false },
    }
    await say(scope, client, name, flags, { spec: changes[verb] })
    console.log(`${name}: ${verb}`)
  })
}

export async function runExport(name: string, flags: ReleaseFlags): Promise<void> {
  await asAdministrator(flags, AS, async (scope, client) => {
    const release = await one(scope, client, name, flags)
    const at = { namespace: flags.namespace, name: release.spec.deployment }
    const deployment = await client
      .resource(refs.deployments)
      .get(scope, at)
      .catch((error: unknown) => {
        if (isNotFound(error)) return undefined
        throw error
      })
    const labelSelector = String(labelSelectorOf(deployment?.spec?.selector ?? { matchLabels: { 'sampan.io/none': 'none' } }))
    const pods = await client.resource(refs.pods).list(scope, { namespace: flags.namespace, labelSelector })
    console.log(JSON.stringify(recordOf(release, pods.items), undefined, 2))
  })
}

const one = (scope: Scope, client: Client, name: string, { namespace }: ReleaseFlags): Promise<Release> =>
  client.resource(releaseRef).get(scope, { namespace, name })

const say = (scope: Scope, client: Client, name: string, { namespace }: ReleaseFlags, body: object): Promise<Release> =>
  client.resource(releaseRef).patch(scope, { namespace, name }, { type: 'merge', body })

async function whoAmI(scope: Scope, client: Client): Promise<string> {
  const review: authentication.SelfSubjectReview = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
  const { status } = await client.resource(refs.selfsubjectreviews).create(scope, review)
  return status?.userInfo?.username ?? ''
}
