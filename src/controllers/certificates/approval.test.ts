import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SigningRequest } from '#base'
import type { certificates, core } from '#api'
import { approvalKinds } from './approval.ts'
import { SIGNERS } from './requests.ts'

const node = (name: string, ...addresses: core.NodeAddress[]): core.Node => ({ metadata: { name }, status: { addresses } })
const asked = (more: Partial<SigningRequest> = {}): SigningRequest => ({
  subject: { commonName: 'system:node:n1', organizations: ['system:nodes'] },
  names: [],
  unexpected: [],
  ...more,
})
const CLIENT = ['digital signature', 'client auth']
const kinds = (
  signerName: string,
  username: string,
  usages: readonly string[],
  what: SigningRequest,
  nodes: readonly core.Node[] = [],
): readonly string[] => {
  const request: certificates.CertificateSigningRequest = { spec: { request: '', signerName, username, usages: [...usages] } }
  return approvalKinds(request, what, nodes).map(({ subresource }) => subresource)
}

describe('a request is approved by itself', () => {
  it('for a kubelet: as its own one renewed, or as a first one', () => {
    assert.deepEqual(kinds(SIGNERS.kubeletClient, 'system:node:n1', CLIENT, asked()), ['selfnodeclient', 'nodeclient'])
    assert.deepEqual(kinds(SIGNERS.kubeletClient, 'system:bootstrap:abcdef', CLIENT, asked()), ['nodeclient'])
    assert.deepEqual(kinds(SIGNERS.kubeletClient, 'system:bootstrap:abcdef', CLIENT, asked({ names: ['n1'] })), [])
  })

  it("for a kubelet's own API: for the names that its Node has and no other claims", () => {
    const own = [
      { type: 'InternalIP', address: '10.0.0.1' },
      { type: 'Hostname', address: 'n1' },
      { type: 'Hostname', address: '10.0.0.9' },
    ]
    const serving = (names: readonly string[], others: readonly core.Node[] = [], username = 'system:node:n1'): readonly string[] =>
      kinds(SIGNERS.kubeletServing, username, ['digital signature', 'server auth'], asked({ names }), [node('n1', ...own), ...others])
    assert.deepEqual(serving(['n1', '10.0.0.1']), ['selfnodeserver'])
    assert.deepEqual(serving(['n1', '10.0.0.2']), [])
    assert.deepEqual(serving(['kubernetes.default.svc']), [])
    assert.deepEqual(serving(['10.0.0.9']), [], 'an address that is said to be a name')
    assert.deepEqual(serving(['n1'], [], 'system:node:n2'), [], 'of another node')
    assert.deepEqual(serving(['n1', '10.0.0.1'], [node('n2', { type: 'InternalIP', address: '10.0.0.1' })]), [])
    assert.deepEqual(serving(['n1'], [node('n2', { type: 'InternalDNS', address: 'n1' })]), [])
    assert.deepEqual(serving([]), [])
  })

  it('for the proxy of a node, and for nobody else under its name', () => {
    const proxy = { subject: { commonName: 'system:kube-proxy', organizations: [] } }
    assert.deepEqual(kinds(SIGNERS.client, 'system:node:n1', CLIENT, asked(proxy)), ['nodeproxy'])
    assert.deepEqual(kinds(SIGNERS.client, 'alice', CLIENT, asked(proxy)), [])
    const more = { subject: { commonName: 'system:kube-proxy', organizations: ['system:masters'] } }
    assert.deepEqual(kinds(SIGNERS.client, 'system:node:n1', CLIENT, asked(more)), [])
    assert.deepEqual(kinds(SIGNERS.client, 'system:node:n1', CLIENT, asked({ subject: { commonName: 'admin', organizations: [] } })), [])
    assert.deepEqual(kinds(SIGNERS.client, 'system:node:n1', ['server auth'], asked(proxy)), [])
  })

  it('by no signer of others', () => {
    assert.deepEqual(kinds('example.com/mine', 'system:node:n1', CLIENT, asked()), [])
  })
})
