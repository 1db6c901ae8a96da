import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DiscoveredResource } from '#client'
import { matchedKinds } from './matched-kinds.ts'

const resource = (group: string, plural: string, kind: string, ...versions: string[]): DiscoveredResource => ({
  ref: { group, version: versions[0] ?? 'v1', kind, plural, namespaced: true },
  singular: kind.toLowerCase(),
  verbs: new Set(),
  subresources: new Set(),
  otherVersions: versions.slice(1),
})
const served = [
  resource('', 'events', 'Event', 'v1'),
  resource('', 'pods', 'Pod', 'v1'),
  resource('apps', 'deployments', 'Deployment', 'v1'),
  resource('autoscaling', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler', 'v2', 'v1'),
  resource('events.k8s.io', 'events', 'Event', 'v1'),
]
const kinds = (...rules: { apiGroups: string[]; apiVersions: string[]; resources: string[] }[]): string[] =>
  matchedKinds({ resourceRules: rules }, served).map(({ group, version, kind }) => `${group}/${version}/${kind}`)

test('rules name kinds by resource, in any version that is served, in the order of groups', () => {
  assert.deepEqual(
    kinds(
      { apiGroups: ['autoscaling', 'apps'], apiVersions: ['v2', 'v1'], resources: ['horizontalpodautoscalers', 'Deployment'] },
      { apiGroups: [''], apiVersions: ['v1'], resources: ['pods/status', 'pods'] },
    ),
    ['/v1/Pod', 'apps/v1/Deployment', 'autoscaling/v1/HorizontalPodAutoscaler', 'autoscaling/v2/HorizontalPodAutoscaler'],
  )
  assert.deepEqual(kinds({ apiGroups: [''], apiVersions: ['v1'], resources: ['events'] }), ['/v1/Event', 'events.k8s.io/v1/Event'])
})

test('what is about everything is about nothing in particular', () => {
  assert.deepEqual(kinds({ apiGroups: ['*'], apiVersions: ['v1'], resources: ['pods'] }), [])
  assert.deepEqual(kinds({ apiGroups: [''], apiVersions: ['*'], resources: ['pods'] }), [])
  assert.deepEqual(kinds({ apiGroups: [''], apiVersions: ['v1'], resources: ['*', 'pods/log'] }), [])
  assert.deepEqual(matchedKinds(undefined, served), [])
})

test('ten kinds are enough', () => {
  const many = Array.from({ length: 30 }, (_, i) => resource('a.example', `r${i}`, `Kind${i}`, 'v1'))
  const rule = { apiGroups: ['a.example'], apiVersions: ['v1'], resources: many.map(({ ref }) => ref.plural) }
  assert.equal(matchedKinds({ resourceRules: [rule] }, many).length, 10)
})
