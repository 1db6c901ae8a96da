import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApiServer } from '#testing'

const REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
const PEM = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n').toString('base64')

test('what a path of a signing request does not change, nobody comes to own by it', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  const spec = { request: PEM, signerName: 'example.com/s', usages: ['client auth'] }
  const made = await api.request('POST', REQUESTS, { body: { metadata: { name: 'r' }, spec } })
  assert.equal(made.status, 201, made.text)
  const headers = { 'content-type': 'application/apply-patch+yaml' }
  const kind = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: 'r' } }
  const owned = async (path: string, status: object): Promise<unknown> => {
    const answer = await api.request('PATCH', `${REQUESTS}/r/${path}?fieldManager=m`, { body: { ...kind, status }, headers })
    assert.equal(answer.status, 200, answer.text)
    return answer.body.metadata.managedFields
  }
  assert.equal(await owned('approval', { conditions: [] }), undefined)
  const conditions = [{ type: 'Other', status: 'True' }]
  assert.equal(await owned('status', { conditions }), undefined)
  assert.match(JSON.stringify(await owned('approval', { conditions })), /"f:status":\{"f:conditions":/)
})
