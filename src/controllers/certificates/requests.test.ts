import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SigningRequest } from '#base'
import type { certificates } from '#api'
import { uselessAtMs } from './cleaner.ts'
import { SIGNERS, signingProblem } from './requests.ts'
import { usagesOf } from './usages.ts'

const request = (signerName: string, usages: string[]): certificates.CertificateSigningRequest => ({
  spec: { request: '', signerName, usages },
})
const asked = (more: Partial<SigningRequest> = {}): SigningRequest => ({
  subject: { commonName: 'system:node:n', organizations: ['system:nodes'] },
  names: [],
  unexpected: [],
  ...more,
})
const CLIENT = ['digital signature', 'client auth']
const SERVING = ['digital signature', 'key encipherment', 'server auth']

describe('signingProblem', () => {
  it('lets clients be clients only', () => {
    const problem = (...usages: string[]): string | undefined => signingProblem(request(SIGNERS.client, usages), asked())
    assert.equal(problem(...CLIENT), undefined)
    assert.equal(problem('client auth', 'server auth'), 'invalid usage for client certificate: server auth')
    assert.equal(problem('digital signature'), 'missing required usage for client certificate: client auth')
  })

  it('holds kubelets to the form of their names', () => {
    const client = (more: Partial<SigningRequest>, usages = CLIENT): string | undefined =>
      signingProblem(request(SIGNERS.kubeletClient, usages), asked(more))
    assert.equal(client({}), undefined)
    assert.equal(
      client({ subject: { commonName: 'system:node:n', organizations: ['a', 'system:nodes'] } }),
      'subject organization is not system:nodes',
    )
    assert.equal(client({ names: ['n.example.com'] }), 'DNS subjectAltNames are not allowed')
    assert.equal(client({ names: ['::1'] }), 'IP subjectAltNames are not allowed')
    assert.equal(
      client({ subject: { commonName: 'n', organizations: ['system:nodes'] } }),
      'subject common name does not begin with system:node:',
    )
    assert.equal(client({}, SERVING), 'usages did not match [client auth digital signature key encipherment]')
    const serving = (more: Partial<SigningRequest>): string | undefined =>
      signingProblem(request(SIGNERS.kubeletServing, SERVING), asked(more))
    assert.equal(serving({ names: ['10.0.0.1', 'n'] }), undefined)
    assert.equal(serving({}), 'DNS or IP subjectAltName is required')
    assert.equal(serving({ names: ['n'], unexpected: ['url'] }), 'URI subjectAltNames are not allowed')
  })
})

describe('certificates', () => {
  it('carry each usage once, in its place', () => {
    assert.deepEqual(usagesOf(['signing', 'digital signature', 'client auth', 's/mime', 'email protection']), {
      keyUsages: ['digitalSignature'],
      extendedUsages: ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.4'],
    })
  })

  it('leave their request useless an hour after the decision, a day after a question', () => {
    const made = { creationTimestamp: '2026-01-01T00:00:00Z' }
    const at = (status: certificates.CertificateSigningRequestStatus): string =>
      new Date(uselessAtMs({ ...request('x', []), metadata: made, status })).toISOString()
    assert.equal(at({}), '2026-01-02T00:00:00.000Z')
    assert.equal(
      at({ conditions: [{ type: 'Denied', status: 'True', lastUpdateTime: '2026-01-01T05:00:00Z' }] }),
      '2026-01-01T06:00:00.000Z',
    )
  })
})
