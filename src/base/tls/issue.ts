import { type KeyObject, createPrivateKey, createPublicKey, generateKeyPair, webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import type { Scope } from '../scope.ts'
import { SampanError } from '../errors.ts'

/** Who a certificate speaks for. Organizations are the groups of a client certificate. */
export interface Subject {
  readonly commonName: string
  readonly organizations?: readonly string[]
}

export const USAGES = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const
export type Usage = keyof typeof USAGES

export interface LeafRequest {
  readonly subject: Subject
  readonly usages: readonly Usage[]
  /** DNS names and IP addresses that the certificate is valid for. */
  readonly names?: readonly string[]
  readonly lifetimeMs: number
}

/** A certificate and its private key, both as PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

/** A signing request that cannot be signed: not PEM, a wrong signature, an unknown kind of key. */
export class BadSigningRequest extends SampanError {
  readonly code = 'BAD_SIGNING_REQUEST'
}

/** Clocks of machines differ: certificates are valid from this long before they are made. */
const BACKDATED_MS = 5 * 60_000
const CURVE = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

const SUBJECT_ALTERNATIVES = '2.5.29.17'
const IP_ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$|:/
const newKey = promisify(generateKeyPair)

/** The certificate library costs 60 ms to load: only what makes certificates pays, a start that finds them does not. */
async function loadLibrary(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  return x509
}

type Library = Awaited<ReturnType<typeof loadLibrary>>

async function newPrivateKey(): Promise<KeyObject> {
  const { privateKey } = await newKey('ec', { namedCurve: 'P-256' })
  return privateKey
}

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

async function toWebKeys(privateKey: KeyObject): Promise<{ readonly privateKey: CryptoKey; readonly publicKey: CryptoKey }> {
  const publicKey = createPublicKey(privateKey)
  const { subtle } = webcrypto
  return {
    privateKey: await subtle.importKey('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }), CURVE, false, ['sign']),
    publicKey: await subtle.importKey('spki', publicKey.export({ type: 'spki', format: 'der' }), CURVE, true, ['verify']),
  }
}

/** Ordered and escaped by the library: no value can add a field to the name. */
const nameOf = (x509: Library, subject: Subject): InstanceType<Library['Name']> =>
  new x509.Name([...(subject.organizations ?? []).map((organization) => ({ O: [organization] })), { CN: [subject.commonName] }])

function serialNumber(scope: Scope): string {
  const bytes = scope.random.bytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return Buffer.from(bytes).toString('hex')
}

function validity(scope: Scope, lifetimeMs: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = scope.clock.now()
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + lifetimeMs) }
}

/** A self-signed authority: it may sign leaves and no further authorities. */
export async function createAuthority(scope: Scope, commonName: string, lifetimeMs: number): Promise<KeyPair> {
  const [x509, key] = await Promise.all([loadLibrary(), newPrivateKey()])
  const keys = await toWebKeys(key)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(scope),
    name: nameOf(x509, { commonName }),
    ...validity(scope, lifetimeMs),
    signingAlgorithm: CURVE,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n`, key: pemOf(key) }
}

/** A new key and a certificate for it, signed by the authority. */
export async function issueLeaf(scope: Scope, authority: KeyPair, request: LeafRequest): Promise<KeyPair> {
  const [x509, key] = await Promise.all([loadLibrary(), newPrivateKey()])
  const { publicKey } = await toWebKeys(key)
  return { certificate: await sign(scope, x509, authority, request, publicKey), key: pemOf(key) }
}

/** What a signing request asks for, its own signature checked. */
export interface SigningRequest {
  readonly subject: Subject
  readonly names: readonly string[]
  /** Other parts of the subject or other kinds of names than a component certificate has: a reason not to sign. */
  readonly unexpected: readonly string[]
}

/** Reads a PKCS #10 request (PEM). Throws `BadSigningRequest`. */
export async function readSigningRequest(pem: string): Promise<SigningRequest> {
  const x509 = await loadLibrary()
  const request = await parseRequest(x509, pem)
  const unexpected: string[] = []
  const organizations: string[] = []
  let commonName = ''
  for (const part of request.subjectName.toJSON()) {
    for (const [field, values] of Object.entries(part)) {
      if (field === 'O') organizations.push(...values)
      else if (field === 'CN') commonName = values.at(-1) ?? ''
      else unexpected.push(field)
    }
  }
  const names: string[] = []
  for (const name of subjectAlternatives(x509, request)) {
    if (name.type === 'dns' || name.type === 'ip') names.push(name.value)
    else unexpected.push(name.type)
  }
  return { subject: { commonName, organizations }, names, unexpected }
}

/** A PKCS #10 request (PEM) for a certificate of the key's owner, signed with the key (PEM, P-256). */
export async function createSigningRequest(key: string, { subject, names = [] }: Pick<LeafRequest, 'subject' | 'names'>): Promise<string> {
  const x509 = await loadLibrary()
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: nameOf(x509, subject),
    keys: await toWebKeys(createPrivateKey(key)),
    signingAlgorithm: CURVE,
    ...(names.length === 0 ? {} : { extensions: [new x509.SubjectAlternativeNameExtension(names.map(generalName))] }),
  })
  return `${request.toString('pem')}\n`
}

/** A new private key (PEM, P-256). */
export const createPrivateKeyPem = async (): Promise<string> => pemOf(await newPrivateKey())

const generalName = (name: string): { readonly type: 'ip' | 'dns'; readonly value: string } => ({
  type: IP_ADDRESS.test(name) ? 'ip' : 'dns',
  value: name,
})

/** How a certificate is to be made whose subject and names are those of the request. */
export interface CertificateWish {
  readonly keyUsages: readonly KeyUsage[]
  /** Object identifiers. */
  readonly extendedUsages: readonly string[]
  readonly lifetimeMs: number
}
export type KeyUsage = Exclude<keyof Library['KeyUsageFlags'], number>

/** Lives shorter than this are counted from now and not from the backdated start. */
const SHORT_LIFE_MS = 8 * 3_600_000

/** Signs a request as it is: whoever calls has decided that it may be. No certificate outlives its authority. Throws `BadSigningRequest`. */
export async function signAsAsked(scope: Scope, authority: KeyPair, pem: string, wish: CertificateWish): Promise<string> {
  const x509 = await loadLibrary()
  const request = await parseRequest(x509, pem)
  const parent = new x509.X509Certificate(authority.certificate)
  const { privateKey: signingKey } = await toWebKeys(createPrivateKey(authority.key))
  const now = scope.clock.now()
  if (parent.notAfter.getTime() <= now) throw new BadSigningRequest(`the authority has ended on ${parent.notAfter.toISOString()}`)
  const endMs = now + wish.lifetimeMs - (wish.lifetimeMs < SHORT_LIFE_MS ? 0 : BACKDATED_MS)
  const names = request.getExtension(SUBJECT_ALTERNATIVES)
  const flags = wish.keyUsages.reduce((all, usage) => all | x509.KeyUsageFlags[usage], 0)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(scope),
    subject: request.subjectName,
    issuer: parent.subjectName,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(Math.min(endMs, parent.notAfter.getTime())),
    signingAlgorithm: CURVE,
    publicKey: request.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      ...(flags === 0 ? [] : [new x509.KeyUsagesExtension(flags, true)]),
      ...(wish.extendedUsages.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension([...wish.extendedUsages])]),
      await x509.AuthorityKeyIdentifierExtension.create(parent.publicKey),
      ...(names === null ? [] : [names]),
    ],
  })
  return `${certificate.toString('pem')}\n`
}

function subjectAlternatives(
  x509: Library,
  request: InstanceType<Library['Pkcs10CertificateRequest']>,
): readonly { type: string; value: string }[] {
  const extension = request.getExtension(SUBJECT_ALTERNATIVES)
  return extension instanceof x509.SubjectAlternativeNameExtension ? extension.names.items : []
}

async function parseRequest(x509: Library, pem: string): Promise<InstanceType<Library['Pkcs10CertificateRequest']>> {
  try {
    const request = new x509.Pkcs10CertificateRequest(pem)
    if (await request.verify()) return request
  } catch (error) {
    throw new BadSigningRequest('the certificate signing request cannot be read', { cause: error })
  }
  throw new BadSigningRequest('the certificate signing request is not signed by its own key')
}

async function sign(
  scope: Scope,
  x509: Library,
  authority: KeyPair,
  leaf: LeafRequest,
  publicKey: CryptoKey | InstanceType<Library['PublicKey']>,
): Promise<string> {
  const parent = new x509.X509Certificate(authority.certificate)
  const { privateKey: signingKey } = await toWebKeys(createPrivateKey(authority.key))
  const names = (leaf.names ?? []).map(generalName)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(scope),
    subject: nameOf(x509, leaf.subject),
    issuer: parent.subjectName,
    ...validity(scope, leaf.lifetimeMs),
    signingAlgorithm: CURVE,
    publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(leaf.usages.map((usage) => USAGES[usage])),
      await x509.AuthorityKeyIdentifierExtension.create(parent.publicKey),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  })
  return `${certificate.toString('pem')}\n`
}
