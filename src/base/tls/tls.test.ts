import assert from 'node:assert/strict'
import { X509Certificate, createPublicKey, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { type Clock, systemClock } from '../clock.ts'
import { type Scope, rootScope } from '../scope.ts'
import { BadSigningRequest, createAuthority, issueLeaf, readSigningRequest, signAsAsked } from './issue.ts'
import { writePrivateFile } from './files.ts'
import { type CertificatePlan, ensureCertificates } from './store.ts'
import { UntrustedCertificate, certificateVerifier } from './verify.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 1)
const scopeAt = (nowMs: number): Scope => {
  const clock: Clock = { ...systemClock, now: () => nowMs }
  return rootScope({ clock })
}
const folder = mkdtempSync(join(tmpdir(), 'tls-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const plan = (names: readonly string[]): CertificatePlan => ({
  authority: { file: 'ca', commonName: 'test', lifetimeMs: 3650 * DAY_MS },
  leaves: [
    { file: 'server', subject: { commonName: 'server' }, usages: ['serverAuth'], names, lifetimeMs: 100 * DAY_MS },
    {
      file: 'admin',
      subject: { commonName: 'admin', organizations: ['system:admins', 'x'] },
      usages: ['clientAuth'],
      lifetimeMs: 100 * DAY_MS,
    },
  ],
  signingKeys: ['signer'],
})

describe('a folder of certificates', () => {
  it('is made once, with files for the owner only, and then only read', async () => {
    const directory = join(folder, 'once')
    const names = ['localhost', '127.0.0.1', '::1']
    const first = await ensureCertificates(scopeAt(START_MS), directory, plan(names))
    assert.deepEqual([...first.written].sort(), ['admin', 'ca', 'server', 'signer'])
    for (const file of readdirSync(directory)) assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, file)
    const second = await ensureCertificates(scopeAt(START_MS + DAY_MS), directory, plan([...names].reverse()))
    assert.deepEqual(second.written, [])
    assert.equal(second.leaves.get('server')?.certificate, first.leaves.get('server')?.certificate)
    assert.equal(createPrivateKey(first.signingKeys.get('signer') ?? '').asymmetricKeyDetails?.modulusLength, 2048)
  })

  it('renews a leaf whose names changed, that nears its end or whose key is another, and nothing else', async () => {
    const directory = join(folder, 'renew')
    await ensureCertificates(scopeAt(START_MS), directory, plan(['a']))
    assert.deepEqual((await ensureCertificates(scopeAt(START_MS), directory, plan(['a', 'b']))).written, ['server'])
    assert.deepEqual((await ensureCertificates(scopeAt(START_MS + 79 * DAY_MS), directory, plan(['a', 'b']))).written, [])
    assert.deepEqual([...(await ensureCertificates(scopeAt(START_MS + 81 * DAY_MS), directory, plan(['a', 'b']))).written].sort(), [
      'admin',
      'server',
    ])
    writeFileSync(join(directory, 'admin.key'), readFileSync(join(directory, 'server.key')))
    assert.deepEqual((await ensureCertificates(scopeAt(START_MS + 82 * DAY_MS), directory, plan(['a', 'b']))).written, ['admin'])
  })

  it('refuses to go on with an authority that has ended', async () => {
    const directory = join(folder, 'ended')
    await ensureCertificates(scopeAt(START_MS), directory, plan([]))
    await assert.rejects(ensureCertificates(scopeAt(START_MS + 4000 * DAY_MS), directory, plan([])), { code: 'USER' })
  })
})

const derOf = (pem: string): Uint8Array => new X509Certificate(pem).raw

describe('a private file', () => {
  it('is written for its owner only, and again when anything of it is not as it should be', () => {
    const path = join(folder, 'private', 'file')
    const { random } = scopeAt(START_MS)
    const written = (text: string): number => {
      writePrivateFile(random, path, text)
      assert.equal(readFileSync(path, 'utf8'), text)
      assert.equal(statSync(path).mode & 0o777, 0o600)
      return statSync(path).ino
    }
    const first = written('one')
    assert.equal(written('one'), first)
    const second = written('two')
    assert.notEqual(second, first)
    chmodSync(path, 0o644)
    assert.notEqual(written('two'), second)
    assert.deepEqual(readdirSync(join(folder, 'private')), ['file'])
  })
})

describe('checking a client certificate', async () => {
  const scope = scopeAt(START_MS)
  const authority = await createAuthority(scope, 'ca', 1000 * DAY_MS)
  const other = await createAuthority(scope, 'ca', 1000 * DAY_MS)
  const leaf = {
    subject: { commonName: 'bob', organizations: ['dev', 'O=ops,CN=root'] },
    usages: ['clientAuth'],
    lifetimeMs: 10 * DAY_MS,
  } as const
  const verifier = certificateVerifier(authority.certificate, 'clientAuth')

  it('answers the subject of one that an authority signed, with values that look like fields kept as values', async () => {
    const { certificate } = await issueLeaf(scope, authority, leaf)
    const { subject, fingerprint } = verifier.verify(derOf(certificate), START_MS)
    assert.deepEqual({ ...subject, organizations: [...(subject.organizations ?? [])] }, leaf.subject)
    assert.match(fingerprint, /^[0-9a-f]{64}$/)
  })

  it('refuses another authority of the same name, a wrong usage, a wrong time and bytes that are no certificate', async () => {
    const refused = (pem: string, nowMs = START_MS): void => assert.throws(() => verifier.verify(derOf(pem), nowMs), UntrustedCertificate)
    refused((await issueLeaf(scope, other, leaf)).certificate)
    refused((await issueLeaf(scope, authority, { ...leaf, usages: ['serverAuth'] })).certificate)
    const good = derOf((await issueLeaf(scope, authority, leaf)).certificate)
    verifier.verify(good, START_MS)
    assert.throws(() => verifier.verify(good, START_MS + 11 * DAY_MS), /expired/)
    assert.throws(() => verifier.verify(good, START_MS - DAY_MS), /not yet valid/)
    assert.throws(() => verifier.verify(new Uint8Array([1, 2, 3]), START_MS), UntrustedCertificate)
    refused(other.certificate)
  })

  it('trusts each authority of a bundle', async () => {
    const both = certificateVerifier(`${authority.certificate}${other.certificate}`, 'clientAuth')
    assert.equal(both.verify(derOf((await issueLeaf(scope, other, leaf)).certificate), START_MS).subject.commonName, 'bob')
  })
})

describe('signing requests', async () => {
  const scope = scopeAt(START_MS)
  const authority = await createAuthority(scope, 'ca', 1000 * DAY_MS)
  const x509 = await import('@peculiar/x509')
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'O=system:nodes, CN=system:node:n1',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'n1' },
        { type: 'ip', value: '10.0.0.1' },
        { type: 'email', value: 'a@b.c' },
      ]),
    ],
  })
  const pem = request.toString('pem')

  it('are read with everything that they ask for', async () => {
    assert.deepEqual(await readSigningRequest(pem), {
      subject: { commonName: 'system:node:n1', organizations: ['system:nodes'] },
      names: ['n1', '10.0.0.1'],
      unexpected: ['email'],
    })
  })

  it('are signed as they are, and outlive neither their wish nor the authority', async () => {
    const wish = { keyUsages: ['digitalSignature'], extendedUsages: ['1.3.6.1.5.5.7.3.2'], lifetimeMs: 600_000 } as const
    const certificate = new X509Certificate(await signAsAsked(scope, authority, pem, wish))
    assert.equal(certificate.subject, 'O=system:nodes\nCN=system:node:n1')
    assert.equal(certificate.subjectAltName, 'DNS:n1, IP Address:10.0.0.1, email:a@b.c')
    assert.equal(certificate.validToDate.getTime(), START_MS + 600_000)
    const spki = Buffer.from(await crypto.subtle.exportKey('spki', keys.publicKey))
    assert.deepEqual(certificate.publicKey.export({ type: 'spki', format: 'der' }), spki)
    const verified = certificateVerifier(authority.certificate, 'clientAuth').verify(certificate.raw, START_MS)
    assert.deepEqual(verified.subject.organizations, ['system:nodes'])
    const long = new X509Certificate(await signAsAsked(scope, authority, pem, { ...wish, lifetimeMs: 1e15 }))
    assert.equal(long.validToDate.getTime(), new X509Certificate(authority.certificate).validToDate.getTime())
  })

  it('are refused when they are not requests or not signed by their own key', async () => {
    await assert.rejects(readSigningRequest('nonsense'), BadSigningRequest)
    const der = Buffer.from(request.rawData)
    const at = der.indexOf('system:node:n1')
    der[at] = 'S'.charCodeAt(0)
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    await assert.rejects(readSigningRequest(forged), BadSigningRequest)
  })

  it('sign for RSA keys too', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    const rsa = {
      privateKey: await crypto.subtle.importKey('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }), algorithm, true, ['sign']),
      publicKey: await crypto.subtle.importKey(
        'spki',
        createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
        algorithm,
        true,
        ['verify'],
      ),
    }
    const rsaRequest = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=x', keys: rsa, signingAlgorithm: algorithm })
    const wish = { keyUsages: [], extendedUsages: [], lifetimeMs: DAY_MS }
    const signed = await signAsAsked(scope, authority, rsaRequest.toString('pem'), wish)
    assert.equal(new X509Certificate(signed).publicKey.asymmetricKeyType, 'rsa')
  })
})
