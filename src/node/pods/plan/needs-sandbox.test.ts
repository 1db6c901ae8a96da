import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { needsSandboxStopped } from './needs-sandbox.ts'

test('a pod is over with its containers, unless its sandbox has what the next pod may need or keeps processes', () => {
  const withPort = (port: Partial<core.ContainerPort>) => ({ containers: [{ name: 'main', ports: [{ containerPort: 80, ...port }] }] })
  const cases: [string, Partial<core.PodSpec>, boolean][] = [
    ['an ordinary pod', withPort({}), false],
    ['one in the network of its node', { hostNetwork: true }, false],
    ['a port of the node', withPort({ hostPort: 8080 }), true],
    ['users of its own', { hostUsers: false }, true],
    ['processes that see each other', { shareProcessNamespace: true }, true],
    ['processes of the node', { hostPID: true }, true],
  ]
  for (const [title, spec, expected] of cases)
    assert.equal(needsSandboxStopped({ spec: { containers: [], ...spec } }, { isOwnChain: false }), expected, title)
  assert.equal(needsSandboxStopped({ spec: { containers: [] } }, { isOwnChain: true }), true, 'a chain that may give addresses again')
})
