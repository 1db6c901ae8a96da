import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { wantedGroups } from './plan-endpoints.ts'

const service = (more: Partial<core.ServiceSpec> = {}): core.Service => ({
  metadata: { name: 'web', namespace: 'a' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }], ...more },
})
const pod = (name: string, nodeName: string | undefined): core.Pod => ({
  metadata: { name, namespace: 'a' },
  spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }) },
  status: { podIPs: [{ ip: `10.0.0.${name.length}` }], conditions: [{ type: 'Ready', status: 'True' }] },
})

test('a pod whose node is not known is not reached, unless the Service wants all addresses', () => {
  const members = [pod('a', 'there'), pod('bb', 'gone'), pod('ccc', undefined)]
  const names = (of: core.Service): unknown =>
    wantedGroups(of, members, (name) => (name === 'there' ? { metadata: { name } } : undefined)).flatMap(({ endpoints }) =>
      endpoints.map(({ targetRef }) => targetRef?.name),
    )
  assert.deepEqual(names(service()), ['a'])
  assert.deepEqual(names(service({ publishNotReadyAddresses: true })), ['a', 'bb', 'ccc'])
})
