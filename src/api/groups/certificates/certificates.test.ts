import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CertificateSigningRequest } from '../../types/certificates-v1.gen.ts'
import { changeRefusals, created, refusals, statusRefusals } from '../refusals.fixture.ts'
import { certificateSigningRequests as kind } from './index.ts'

const PEM = btoa('-----BEGIN CERTIFICATE REQUEST-----\nMIIBAA==\n-----END CERTIFICATE REQUEST-----\n')
const request = (spec: Partial<CertificateSigningRequest['spec']> = {}): CertificateSigningRequest => ({
  metadata: { name: 'c' },
  spec: { request: PEM, signerName: 'example.com/s', usages: ['client auth'], ...spec },
})

describe('CertificateSigningRequest', () => {
  it('is asked by who sends it', () => {
    const { spec } = created(kind, request({ username: 'root', groups: ['system:masters'], extra: { a: ['b'] } }))
    assert.equal(spec.username, 'tester')
    assert.deepEqual(spec.groups, ['system:authenticated'])
    assert.equal(spec.extra, undefined)
  })

  const cases: readonly (readonly [spec: Partial<CertificateSigningRequest['spec']>, refused: readonly string[]])[] = [
    [{}, []],
    [{ request: 'eA==' }, ['spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST']],
    [{ usages: ['client auth', 'client auth'] }, ['spec.usages[1]: Duplicate value: "client auth"']],
    [
      { expirationSeconds: 599 },
      ['spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)'],
    ],
    [
      { signerName: 'nodomain' },
      [`spec.signerName: Invalid value: "nodomain": must be a fully qualified domain and path of the form 'example.com/signer-name'`],
    ],
  ]
  for (const [spec, refused] of cases) it(`checks ${JSON.stringify(spec)}`, () => assert.deepEqual(refusals(kind, request(spec)), refused))

  it('cannot become another request', () => {
    const old = created(kind, request())
    const draft = structuredClone(old)
    draft.spec.signerName = 'other.com/s'
    kind.strategy.prepareForUpdate?.(draft, old, '2026-01-01T00:00:00Z')
    assert.equal(draft.spec.signerName, 'example.com/s')
    assert.deepEqual(
      changeRefusals(kind, request(), () => undefined),
      [],
    )
  })

  it('keeps what has been decided in the words of the decision', () => {
    const time = '2026-01-01T00:00:00Z'
    const decided = { type: 'Approved', status: 'True', reason: 'Known', message: '', lastUpdateTime: time, lastTransitionTime: time }
    const old = { ...created(kind, request()), status: { conditions: [decided] } }
    const draft = structuredClone(old)
    draft.status.conditions = [{ ...decided, reason: 'Other' }]
    const { status } = kind.subresources
    assert.ok(status?.type === 'status')
    status.prepareForUpdate?.(draft, old, '2026-01-02T00:00:00Z')
    assert.equal(draft.status.conditions[0]?.reason, 'Known')
    assert.deepEqual(statusRefusals(kind, old, draft), [])
  })

  it('names what is gone before what is new', () => {
    const old = { ...created(kind, request()), status: { conditions: [{ type: 'Failed', status: 'True' }] } }
    const draft = { ...old, status: { conditions: [{ type: 'Denied', status: 'True' }] } }
    assert.deepEqual(statusRefusals(kind, old, draft), [
      'status.conditions: Forbidden: updates may not remove a condition of type "Failed"',
      'status.conditions: Forbidden: updates may not add a condition of type "Denied"',
    ])
  })
})
