import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BackendTLSPolicy } from '../kinds.ts'
import { type JudgedPolicies, type PolicyView, judgePolicies } from './policies.ts'
import { readAuthority } from './policy-work.ts'
import { meta } from '../world.fixture.ts'

const view: PolicyView = {
  hasService: (key) => key !== 'x/gone',
  authority: (key) => (key === 'x/ca' ? { pem: 'pem\n' } : { problem: 'it does not exist' }),
}
function policy(name: string, validation: object = {}, more: object = {}, created?: string): BackendTLSPolicy {
  return {
    metadata: meta(name, 'x', created),
    spec: {
      targetRefs: [{ group: '', kind: 'Service', name: 'a' }],
      validation: { hostname: 'a.example', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }], ...validation },
      ...more,
    },
  }
}
const said = (judged: JudgedPolicies, name: string): readonly string[] | undefined =>
  judged.policies.get(`x/${name}`)?.verdicts.map(({ type, status, reason }) => `${type} ${status} ${reason}`)
const verification = (judged: JudgedPolicies, port = ''): unknown => judged.verifications.get('x/a')?.get(port)

test('a policy says whom a Service has to prove to be, and who vouches for it', () => {
  const judged = judgePolicies([policy('p')], view)
  assert.deepEqual(said(judged, 'p'), ['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs'])
  assert.deepEqual(verification(judged), { authority: 'x/p', hostname: 'a.example' })
  assert.deepEqual([...judged.authorities], [['x/p', 'pem\n']])
  const system = judgePolicies([policy('p', { caCertificateRefs: [], wellKnownCACertificates: 'System' })], view)
  assert.deepEqual(verification(system), { authority: 'system', hostname: 'a.example' })
})

test('of two for the same the older counts; a port of its own is another matter', () => {
  const old = policy('z', { hostname: 'old.example' }, {}, '2025-01-01T00:00:00Z')
  const port = policy('port', { hostname: 'port.example' }, { targetRefs: [{ group: '', kind: 'Service', name: 'a', sectionName: 'web' }] })
  const judged = judgePolicies([policy('a'), old, port], view)
  assert.deepEqual(said(judged, 'a'), ['Accepted False Conflicted', 'ResolvedRefs True ResolvedRefs'])
  assert.deepEqual(verification(judged), { authority: 'x/z', hostname: 'old.example' })
  assert.deepEqual(verification(judged, 'web'), { authority: 'x/port', hostname: 'port.example' })
})

test('one that cannot be carried out keeps its Service from being spoken to', () => {
  const cases: readonly (readonly [BackendTLSPolicy, string, string])[] = [
    [
      policy('p', { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'none' }] }),
      'Accepted False NoValidCACertificate',
      'ResolvedRefs False InvalidCACertificateRef',
    ],
    [
      policy('p', { caCertificateRefs: [{ group: '', kind: 'Secret', name: 'ca' }] }),
      'Accepted False NoValidCACertificate',
      'ResolvedRefs False InvalidKind',
    ],
    [
      policy('p', {
        caCertificateRefs: [
          { group: '', kind: 'ConfigMap', name: 'ca' },
          { group: '', kind: 'ConfigMap', name: 'none' },
        ],
      }),
      'Accepted True Accepted',
      'ResolvedRefs False InvalidCACertificateRef',
    ],
    [policy('p', { subjectAltNames: [{}] }), 'Accepted False Invalid', 'ResolvedRefs True ResolvedRefs'],
    [policy('p', {}, { options: { a: 'b' } }), 'Accepted False Invalid', 'ResolvedRefs True ResolvedRefs'],
  ]
  for (const [one, accepted, resolved] of cases) {
    const judged = judgePolicies([one], view)
    assert.deepEqual(said(judged, 'p'), [accepted, resolved])
    assert.equal(verification(judged), 'refused')
    assert.equal(judged.authorities.size, 0)
  }
  const gone = judgePolicies([policy('p', {}, { targetRefs: [{ group: '', kind: 'Service', name: 'gone' }] })], view)
  assert.equal(said(gone, 'p')?.[0], 'Accepted False TargetNotFound')
})

test('what is no certificate is no authority', () => {
  assert.deepEqual(readAuthority({ data: {} }), { problem: 'it has no ca.crt of a sensible size' })
  assert.deepEqual(readAuthority({ data: { 'ca.crt': 'nothing' } }), { problem: 'ca.crt holds no certificate' })
  const broken = readAuthority({ data: { 'ca.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' } })
  assert.ok('problem' in broken)
})
