import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rootScope } from '#base'
import { type Resource, type core, refs, schemaOf } from '#api'
import { nodeAuthorizer } from '../auth/authorize/node.ts'
import { fakeObjects } from '../auth/reader.fake.ts'
import { nodeRules } from '../auth/rbac/policy/policy.ts'
import type { AdmissionRequest } from '../contract.ts'
import { podSecurity } from './pod-security/step.ts'
import { serviceAccount } from './service-account.ts'

/** The schema of a pod, as its walk sees it. */
type Schema = NonNullable<ReturnType<typeof schemaOf>>['fields'] extends ReadonlyMap<string, { readonly schema: infer S }> ? S : never

const SECRET = 'not-yours'
const leads = (field: string, owner: string | undefined): boolean =>
  /secretref$|^secretname$|^secretkeyref$|^secret$/i.test(field) ||
  (owner === 'SecretProjection' && field === 'name') ||
  field === 'imagePullSecrets'

/** One part of a spec for each place in the schema where a pod can name a secret, with nothing else in it. */
function references(schema: Schema, path: string, named: boolean, depth = 0): (readonly [string, unknown])[] {
  if (depth > 14) return []
  if (schema.kind === 'list') return references(schema.items, path, named, depth + 1).map(([where, item]) => [where, [item]])
  if (schema.kind === 'string') return named ? [[path, SECRET]] : []
  if (schema.kind !== 'object') return []
  return [...schema.fields].flatMap(([field, { schema: inner }]) => {
    const isName = named && (field === 'name' || field === 'secretName')
    if (field === 'volumeClaimTemplate' || (named && inner.kind === 'string' && !isName)) return []
    const found = references(inner, `${path}.${field}`, isName || leads(field, schema.name), depth + 1)
    return found.map(
      ([where, value]) =>
        [where, { ...('name' in Object.fromEntries(schema.fields) && !isName ? { name: 'x' } : {}), [field]: value }] as const,
    )
  })
}

const podSchema = schemaOf('', 'v1', 'Pod')?.fields.get('spec')?.schema ?? assert.fail()
const places = references(podSchema, 'spec', false)

describe('wherever the schema of a pod lets it name a secret', () => {
  const objects = fakeObjects()
  objects.put(refs.namespaces, { metadata: { name: 'a' } })
  objects.put(refs.serviceaccounts, {
    metadata: { name: 'strict', namespace: 'a', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
  })
  const request = (pod: core.Pod, more: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
    operation: 'CREATE',
    resource: refs.pods as Resource,
    subresource: '',
    namespace: 'a',
    name: 'p',
    user: { name: 'x', groups: [], extra: {} },
    dryRun: false,
    object: pod,
    old: undefined,
    options: {},
    warn: () => undefined,
    ...more,
  })
  const podOf = (part: unknown, more: core.Pod['metadata'] = {}): core.Pod => ({
    metadata: { name: 'p', namespace: 'a', ...more },
    spec: { serviceAccountName: 'strict', nodeName: 'n', containers: [], ...(part as object) } as core.PodSpec,
  })

  it('there are as many places as there were, or more', () => assert.ok(places.length >= 15, String(places.length)))

  for (const [where, part] of places) {
    it(`${where}: an account that limits secrets, a mirror pod and another node may not`, async () => {
      const step = serviceAccount(objects)
      const asked = request(podOf(part))
      assert.ok(step.handles(asked))
      await assert.rejects(async () => step.validate?.(rootScope(), asked), { message: /not-yours.*does not reference that/ })
      if (where.startsWith('spec.ephemeralContainers')) {
        const later = { ...asked, operation: 'UPDATE', subresource: 'ephemeralcontainers', old: podOf({}) } as const
        assert.ok(step.handles(later))
        await assert.rejects(async () => step.validate?.(rootScope(), later), { message: /not-yours/ })
      }
      const mirror = podOf({ ...(part as object), serviceAccountName: undefined }, { annotations: { 'kubernetes.io/config.mirror': 'x' } })
      await assert.rejects(async () => step.validate?.(rootScope(), request(mirror)), { message: /may not reference secrets/ })
      const stored = fakeObjects()
      stored.put(refs.pods, podOf(part))
      const nodes = nodeAuthorizer(stored, nodeRules())
      const may = async (node: string): Promise<string> => {
        const user = { name: `system:node:${node}`, groups: ['system:nodes'], extra: {} }
        const about = { group: '', version: 'v1', resource: 'secrets', subresource: '', namespace: 'a', name: SECRET, path: '' }
        return (await nodes.authorize(rootScope(), { user, verb: 'get', isResource: true, ...about })).kind
      }
      assert.deepEqual([await may('n'), await may('other')], ['allow', 'no-opinion'])
    })
  }

  it('containers of every kind that the schema has are walked, and held to the level of the namespace', async () => {
    assert.ok(podSchema.kind === 'object')
    const kinds = [...podSchema.fields].filter(([, { schema }]) => {
      const item = schema.kind === 'list' ? schema.items : undefined
      return item?.kind === 'object' && item.fields.has('image') && item.fields.has('securityContext')
    })
    assert.deepEqual(new Set(kinds.map(([field]) => field)), new Set(['initContainers', 'containers', 'ephemeralContainers']))
    objects.put(refs.namespaces, { metadata: { name: 'a', labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } } })
    for (const [field] of kinds) {
      const pod = podOf({ [field]: [{ name: 'c', image: 'i', securityContext: { privileged: true } }] })
      await assert.rejects(async () => podSecurity(objects).validate?.(rootScope(), request(pod)), { message: /privileged/ }, field)
    }
  })
})
