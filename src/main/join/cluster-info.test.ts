import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import { certificatesOf, createAuthority, publicKeyPin, rootScope, seededRandom } from '#base'
import type { core } from '#api'
import { newToken, parseToken, tokenObject, tokenRow, tokenText } from './bootstrap-token.ts'
import { factsObject, factsOf } from './cluster-facts.ts'
import { clusterInfoText, trustedClusterInfo } from './cluster-info.ts'
import { balancerLink } from './joined-node.ts'
import { skewProblem } from './version-skew.ts'

const TOKEN = { id: 'abcdef', secret: '0123456789abcdef' }
const DAY_MS = 86_400_000

function signed(text: string, token = TOKEN, header: Record<string, string> = { alg: 'HS256', kid: token.id }): core.ConfigMap {
  const encode = (part: string): string => Buffer.from(part).toString('base64url')
  const head = encode(JSON.stringify(header))
  const signature = createHmac('sha256', token.secret)
    .update(`${head}.${encode(text)}`)
    .digest('base64url')
  return { data: { kubeconfig: text, [`jws-kubeconfig-${TOKEN.id}`]: `${head}..${signature}` } }
}

describe('what a cluster says of itself', async () => {
  const { certificate } = await createAuthority(rootScope(), 'ca', DAY_MS)
  const other = (await createAuthority(rootScope(), 'ca', DAY_MS)).certificate
  const pinOf = (pem: string): string => certificatesOf(pem).map(publicKeyPin)[0] ?? ''
  const text = clusterInfoText({ server: 'https://10.0.0.1:6443', authority: certificate })

  it('is believed when the token has signed it and the authority is the one that was named', () => {
    assert.deepEqual(trustedClusterInfo(signed(text), TOKEN, [pinOf(certificate)]), {
      server: 'https://10.0.0.1:6443',
      authority: certificate,
    })
  })

  it('is not believed when somebody else has signed it, or nobody', () => {
    const read = (map: core.ConfigMap): unknown => trustedClusterInfo(map, TOKEN, [pinOf(certificate)])
    assert.throws(() => read(signed(text, { ...TOKEN, secret: 'fedcba9876543210' })), /not signed with the secret of the token abcdef/)
    assert.throws(() => read(signed(text, TOKEN, { alg: 'none', kid: TOKEN.id })), /not signed/)
    assert.throws(() => read(signed(text, TOKEN, { alg: 'HS256', kid: 'ghijkl' })), /not signed/)
    const { data } = signed(text)
    assert.throws(() => read({ data: { ...data, kubeconfig: text.replace('10.0.0.1', '10.0.0.2') } }), /not signed/)
    assert.throws(() => read({ data: { kubeconfig: text } }), /does not know the token abcdef/)
    assert.throws(() => read({ data: { ...data, 'jws-kubeconfig-abcdef': 'x' } }), /not signed/)
    assert.throws(() => read({}), /cluster-info in kube-public is empty/)
  })

  it('is not believed when its authority is another one, or one more than was named', () => {
    assert.throws(
      () => trustedClusterInfo(signed(text), TOKEN, [pinOf(other)]),
      new RegExp(`public key is ${pinOf(certificate)}, not ${pinOf(other)}`),
    )
    const both = clusterInfoText({ server: 'https://10.0.0.1:6443', authority: certificate + other })
    assert.throws(() => trustedClusterInfo(signed(both), TOKEN, [pinOf(certificate)]), /is not the one that was named/)
    assert.equal(trustedClusterInfo(signed(both), TOKEN, [pinOf(certificate), pinOf(other)]).authority, certificate + other)
    const none = clusterInfoText({ server: 'https://10.0.0.1:6443', authority: '' })
    assert.throws(() => trustedClusterInfo(signed(none), TOKEN, [pinOf(certificate)]), /is not the one that was named/)
  })

  it('names a server with TLS', () => {
    const plain = clusterInfoText({ server: 'http://10.0.0.1', authority: certificate })
    assert.throws(() => trustedClusterInfo(signed(plain), TOKEN, [pinOf(certificate)]), /names no server with TLS/)
  })
})

describe('a bootstrap token', () => {
  it('is made of the letters that it may have, and read as it is written', () => {
    const made = newToken(seededRandom(1))
    assert.deepEqual(parseToken(tokenText(made)), made)
    for (const wrong of ['', 'abcdef', 'ABCDEF.0123456789abcdef', 'abcdef.0123456789abcde', 'abcdef.0123456789abcdef\n'])
      assert.throws(
        () => parseToken(wrong),
        (error: Error) => !error.message.includes('0123456789'),
      )
  })

  it('is a Secret that shows its end and whom it speaks for', () => {
    const secret = tokenObject(TOKEN, { endMs: Date.UTC(2026, 0, 2), description: 'the lab' })
    assert.equal(secret.metadata?.name, 'bootstrap-token-abcdef')
    assert.deepEqual(tokenRow(secret), {
      id: 'abcdef',
      endMs: Date.UTC(2026, 0, 2),
      usages: ['authentication', 'signing'],
      description: 'the lab',
      groups: ['system:bootstrappers:sampan:default-node-token'],
    })
    assert.equal(tokenRow(tokenObject(TOKEN, {})).endMs, undefined)
  })
})

describe('what all nodes agree on', () => {
  const facts = {
    networkMode: 'overlay',
    clusterCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/16',
    dnsService: '10.96.0.10',
    dnsAddress: '10.199.0.254',
    balancerPool: '10.199.0.128/26',
    failover: 'fast',
  } as const

  it('is read as it was written, and refused where it is something else', () => {
    assert.deepEqual(factsOf(factsObject(facts)), facts)
    const both = { ...facts, clusterCidr6: 'fd53:616d:1:100::/56', serviceCidr6: 'fd53:616d:ffff::/112' }
    assert.deepEqual(factsOf(factsObject(both)), both)
    const wrong =
      (data: Record<string, string>): (() => void) =>
      () =>
        void factsOf({ data: { ...factsObject(facts).data, ...data } })
    assert.throws(wrong({ form: '2' }), /in the form 2/)
    assert.throws(wrong({ networkMode: 'magic' }), /networkMode: "magic"/)
    assert.throws(wrong({ clusterCidr: '10.0.0.0/8; rm' }), /clusterCidr/)
  })
})

it('a node is never newer than its server, and at most three minor versions older', () => {
  assert.equal(skewProblem('v1.36.3', 'v1.36.0'), undefined)
  assert.equal(skewProblem('v1.36.3', 'v1.39.1'), undefined)
  assert.match(skewProblem('v1.36.3', 'v1.40.0') ?? '', /at most 3 minor versions older/)
  assert.match(skewProblem('v1.36.3', 'v1.35.9') ?? '', /never newer/)
  assert.match(skewProblem('v1.36.3', 'v2.36.0') ?? '', /never newer/)
  assert.match(skewProblem('v1.36.3', 'banana') ?? '', /cannot be compared/)
})

it('a node answers for load balancers where their addresses are those of its network', () => {
  const links = { eth0: [{ address: '10.199.3.9', cidr: '10.199.3.9/24', family: 'IPv4' }] } as unknown as Parameters<
    typeof balancerLink
  >[0]
  assert.equal(balancerLink(links, '10.199.3.9', '10.199.3.128/26'), 'eth0')
  assert.equal(balancerLink(links, '10.199.3.9', '10.199.0.128/26'), undefined)
  assert.equal(balancerLink(links, '10.199.3.8', '10.199.3.128/26'), undefined)
})
