import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { schemaOf } from '../schema/builtin.ts'
import type { Schema } from '../schema/schema.ts'
import type * as core from '../types/core-v1.gen.ts'
import { allContainers, podReferences, visitContainers } from './visit.ts'

/** Fields of a pod by which it names a secret: everything in the schema that looks like it. A new API version with a new one fails here. */
const isSecretField = (name: string, owner: string | undefined): boolean =>
  /secretref$|^secretname$|^secretkeyref$|^secret$/i.test(name) ||
  (owner === 'SecretProjection' && name === 'name') ||
  name === 'imagePullSecrets'

/** Builds a pod with every possible reference to a secret, each under a name of its own. */
function podWithAllSecrets(): { readonly pod: core.Pod; readonly names: ReadonlySet<string> } {
  const names = new Set<string>()
  const fresh = (path: string): string => {
    names.add(path)
    return path
  }
  const build = (schema: Schema, path: string, named: boolean, depth: number): unknown => {
    if (depth > 14) return undefined
    if (schema.kind === 'list') {
      const item = build(schema.items, `${path}-0`, named, depth + 1)
      return item === undefined ? undefined : [item]
    }
    if (schema.kind === 'string') return named ? fresh(path) : undefined
    if (schema.kind !== 'object') return undefined
    const object: Record<string, unknown> = {}
    for (const [name, field] of schema.fields) {
      if (name === 'volumeClaimTemplate' || name === 'status') continue
      const isName = named && (name === 'name' || name === 'secretName')
      const leads = isSecretField(name, schema.name)
      if (named && field.schema.kind === 'string' && !isName) continue
      const value = build(field.schema, `${path}.${name}`, isName || leads, depth + 1)
      if (value !== undefined) object[name] = value
    }
    return Object.keys(object).length === 0 ? undefined : object
  }
  const schema = schemaOf('', 'v1', 'Pod')
  const spec = schema?.fields.get('spec')?.schema
  assert.ok(spec)
  return { pod: { metadata: { name: 'p' }, spec: build(spec, 'spec', false, 0) as core.PodSpec }, names }
}

describe('the walk over a pod', () => {
  it('finds every secret that the schema of a pod lets it name, in all kinds of containers', () => {
    const { pod, names } = podWithAllSecrets()
    assert.ok(names.size >= 15, `only ${names.size} kinds of references in the schema`)
    assert.deepEqual([...podReferences(pod).secrets].sort(), [...names].sort())
    for (const kind of ['initContainers', 'containers', 'ephemeralContainers']) {
      assert.ok(
        [...names].some((name) => name.startsWith(`spec.${kind}-0.envFrom`)),
        kind,
      )
      assert.ok(
        [...names].some((name) => name.startsWith(`spec.${kind}-0.env-0`)),
        kind,
      )
    }
  })

  const container = (name: string): core.Container => ({
    name,
    env: [{ name: 'E', valueFrom: { configMapKeyRef: { name: `env-${name}`, key: 'k' } } }],
    envFrom: [{ configMapRef: { name: `from-${name}` } }],
  })
  const spec: core.PodSpec = {
    initContainers: [container('i')],
    containers: [container('c')],
    ephemeralContainers: [container('e')],
    volumes: [
      { name: 'cm', configMap: { name: 'whole' } },
      { name: 'projected', projected: { sources: [{ configMap: { name: 'part' } }, { clusterTrustBundle: { path: 'x' } }] } },
      { name: 'data', persistentVolumeClaim: { claimName: 'claim' } },
      { name: 'own', ephemeral: {} },
    ],
  }

  it('finds config maps, claims and trust bundles', () => {
    const found = podReferences({ metadata: { name: 'p' }, spec })
    assert.deepEqual([...found.configMaps].sort(), ['env-c', 'env-e', 'env-i', 'from-c', 'from-e', 'from-i', 'part', 'whole'])
    assert.deepEqual([...found.claims], ['claim', 'p-own'])
    assert.ok(found.trustBundles)
    assert.ok(!found.podCertificates)
  })

  it('visits init containers, then the regular ones, then the ephemeral ones', () => {
    const seen: string[] = []
    visitContainers(spec, ({ name }, kind, index) => seen.push(`${kind} ${index} ${name}`))
    assert.deepEqual(seen, ['init 0 i', 'regular 0 c', 'ephemeral 0 e'])
    assert.deepEqual(
      allContainers(spec).map(({ name }) => name),
      ['i', 'c', 'e'],
    )
    assert.deepEqual(allContainers(undefined), [])
  })
})
