import assert from 'node:assert/strict'
import { it } from 'node:test'
import type * as core from '../types/core-v1.gen.ts'
import { podAmounts } from './resources.ts'

const container = (name: string, cpu: string, restartPolicy?: string): core.Container => ({
  name,
  resources: { requests: { cpu } },
  ...(restartPolicy === undefined ? {} : { restartPolicy }),
})
const cpu = (spec: Partial<core.PodSpec>): string | undefined => podAmounts({ containers: [], ...spec }, 'requests')['cpu']

it('sums the containers', () => assert.equal(cpu({ containers: [container('a', '600m'), container('b', '600m')] }), '1200m'))
it('needs at least what the largest init container needs', () =>
  assert.equal(cpu({ containers: [container('a', '1')], initContainers: [container('i', '3'), container('j', '2')] }), '3'))
it('counts sidecars beside what starts after them', () => {
  assert.equal(
    cpu({ containers: [container('a', '1')], initContainers: [container('i', '2'), container('s', '1', 'Always'), container('j', '2')] }),
    '3',
  )
})
it('takes the amounts at the pod for the sums, and adds the overhead', () => {
  assert.equal(cpu({ containers: [container('a', '1')], resources: { requests: { cpu: '5' } }, overhead: { cpu: '1' } }), '6')
})
