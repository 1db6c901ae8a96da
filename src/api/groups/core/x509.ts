import { DerReader, TAGS } from './der.ts'

/** A public key as far as it tells whose it is. */
interface PublicKey {
  readonly kind: 'rsa' | 'ecdsa' | 'ed25519' | 'other'
  /** Of keys on a curve. */
  readonly curve?: string
  /** Equal for equal keys: the modulus, the point. Absent: not known. */
  readonly value?: string
}

/** What is wrong with a certificate or a key, in the words of Go's library. */
export class Malformed extends Error {}

const CONSTRUCTED = 0xa0
const OIDS = { rsa: '2a864886f70d010101', ecdsa: '2a8648ce3d0201', ed25519: '2b6570' } as const
const CURVES: ReadonlySet<string> = new Set(['2b81040021', '2a8648ce3d030107', '2b81040022', '2b81040023'])
const ED25519_BYTES = 32
const UNIQUE_IDS = [
  [0x81, 'issuerUniqueID'],
  [0x82, 'subjectUniqueID'],
] as const

function need<T>(value: T | undefined | 'malformed', what: string): Exclude<T, 'malformed'> {
  if (value === undefined || value === 'malformed') throw new Malformed(`x509: ${what}`)
  return value as Exclude<T, 'malformed'>
}

/** The key of a certificate whose structure is whole. Signatures and what extensions say are not looked at. */
export function publicKeyOf(der: Uint8Array): PublicKey {
  const file = new DerReader(der)
  const outer = need(file.sequence(), 'malformed certificate')
  const certificate = need(outer.sequence(), 'malformed tbs certificate')
  const version = versionOf(certificate)
  const serial = need(certificate.integer(), 'malformed serial number')
  if ((serial[0] ?? 0) >= 0x80) throw new Malformed('x509: negative serial number')
  const signature = need(certificate.read(TAGS.sequence), 'malformed signature algorithm identifier')
  const outerSignature = need(outer.read(TAGS.sequence), 'malformed algorithm identifier')
  if (signature.toHex() !== outerSignature.toHex()) throw new Malformed("x509: inner and outer signature algorithm identifiers don't match")
  algorithmOf(new DerReader(signature))
  checkName(need(certificate.sequence(), 'malformed issuer'))
  checkValidity(need(certificate.sequence(), 'malformed validity'))
  checkName(need(certificate.sequence(), 'malformed issuer'))
  const key = readPublicKey(need(certificate.sequence(), 'malformed spki'))
  for (const [tag, what] of version > 1 ? UNIQUE_IDS : [])
    if (certificate.optional(tag) === 'malformed') throw new Malformed(`x509: malformed ${what}`)
  if (version > 2) checkExtensions(certificate.optional(CONSTRUCTED + 3))
  need(outer.bits(), 'malformed signature')
  if (!file.isEmpty) throw new Malformed('x509: trailing data')
  return key
}

function versionOf(certificate: DerReader): number {
  const given = certificate.optional(CONSTRUCTED)
  if (given === undefined) return 1
  const bytes = need(new DerReader(need(given, 'malformed version')).integer(), 'malformed version')
  if (bytes.length > 1 || (bytes[0] ?? 0) >= 0x80) throw new Malformed('x509: malformed version')
  const version = (bytes[0] ?? 0) + 1
  if (version > 3) throw new Malformed('x509: invalid version')
  return version
}

function algorithmOf(algorithm: DerReader): { readonly oid: string; readonly parameters: Uint8Array } {
  const oid = need(algorithm.oid(), 'malformed OID')
  return { oid, parameters: algorithm.isEmpty ? new Uint8Array() : need(algorithm.any(), 'malformed parameters').whole }
}

function checkName(name: DerReader): void {
  while (!name.isEmpty) {
    const set = new DerReader(need(name.read(TAGS.set), 'invalid RDNSequence'))
    while (!set.isEmpty) {
      const attribute = need(set.sequence(), 'invalid RDNSequence: invalid attribute')
      need(attribute.oid(), 'invalid RDNSequence: invalid attribute type')
      need(attribute.any(), 'invalid RDNSequence: invalid attribute value')
    }
  }
}

const UTC_TIME = /^\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?(?:Z|[+-]\d{4})$/
const GENERAL_TIME = /^\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d[0-5]\d(?:Z|[+-]\d{4})$/

function checkValidity(validity: DerReader): void {
  for (let which = 0; which < 2; which++) {
    const isUtc = validity.nextTag === TAGS.utcTime
    if (!isUtc && validity.nextTag !== TAGS.generalTime) throw new Malformed('x509: unsupported time format')
    const text = new TextDecoder().decode(validity.any()?.content)
    if (!(isUtc ? UTC_TIME : GENERAL_TIME).test(text)) throw new Malformed(`x509: malformed ${isUtc ? 'UTCTime' : 'GeneralizedTime'}`)
  }
}

function readPublicKey(info: DerReader): PublicKey {
  const { oid, parameters } = algorithmOf(need(info.sequence(), 'malformed public key algorithm identifier'))
  const key = need(info.bits(), 'malformed subjectPublicKey')
  switch (oid) {
    case OIDS.rsa: {
      if (parameters.toHex() !== '0500') throw new Malformed('x509: RSA key missing NULL parameters')
      const numbers = need(new DerReader(key).sequence(), 'invalid RSA public key')
      const modulus = need(numbers.integer(), 'invalid RSA modulus')
      need(numbers.integer(), 'invalid RSA public exponent')
      return { kind: 'rsa', value: modulus.toHex() }
    }
    case OIDS.ecdsa: {
      const curve = need(new DerReader(parameters).oid(), 'invalid ECDSA parameters')
      if (!CURVES.has(curve)) throw new Malformed('x509: unsupported elliptic curve')
      return { kind: 'ecdsa', curve, value: key.toHex() }
    }
    case OIDS.ed25519:
      if (parameters.length > 0) throw new Malformed('x509: Ed25519 key encoded with illegal parameters')
      if (key.length !== ED25519_BYTES) throw new Malformed('x509: wrong Ed25519 public key size')
      return { kind: 'ed25519', value: key.toHex() }
    default:
      return { kind: 'other' }
  }
}

function checkExtensions(given: Uint8Array | undefined | 'malformed'): void {
  if (given === undefined) return
  const extensions = need(new DerReader(need(given, 'malformed extensions')).sequence(), 'malformed extensions')
  const seen = new Set<string>()
  while (!extensions.isEmpty) {
    const extension = need(extensions.sequence(), 'malformed extension')
    const oid = need(extension.oid(), 'malformed extension OID field')
    const critical = extension.optional(TAGS.boolean)
    if (critical !== undefined && (critical === 'malformed' || critical.length !== 1 || ![0, 0xff].includes(critical[0] ?? 1)))
      throw new Malformed('x509: malformed extension critical field')
    need(extension.read(TAGS.octets), 'malformed extension value field')
    if (seen.has(oid)) throw new Malformed(`x509: certificate contains duplicate extension with OID "${dotted(oid)}"`)
    seen.add(oid)
  }
}

function dotted(oid: string): string {
  const parts: number[] = []
  let part = 0
  for (const byte of Uint8Array.fromHex(oid)) {
    part = part * 128 + (byte & 0x7f)
    if (byte >= 0x80) continue
    if (parts.length === 0) parts.push(Math.min(2, Math.floor(part / 40)), part - 40 * Math.min(2, Math.floor(part / 40)))
    else parts.push(part)
    part = 0
  }
  return parts.join('.')
}

/** The public half of a private key, as far as the key says it. Undefined for what is no key that TLS can use. */
export function privateKeyOf(der: Uint8Array): PublicKey | undefined {
  return pkcs1(der) ?? pkcs8(der) ?? sec1(der, undefined)
}

function pkcs1(der: Uint8Array): PublicKey | undefined {
  const numbers = new DerReader(der).sequence()
  if (numbers?.integer()?.toHex() !== '00') return undefined
  const all = Array.from({ length: 8 }, () => numbers.integer())
  const [modulus] = all
  return modulus === undefined || all.includes(undefined) ? undefined : { kind: 'rsa', value: modulus.toHex() }
}

function pkcs8(der: Uint8Array): PublicKey | undefined {
  const parts = new DerReader(der).sequence()
  if (parts?.integer() === undefined) return undefined
  const algorithm = parts.sequence()
  const oid = algorithm?.oid()
  const key = parts.read(TAGS.octets)
  if (algorithm === undefined || key === undefined) return undefined
  if (oid === OIDS.rsa) return pkcs1(key)
  if (oid === OIDS.ecdsa) return sec1(key, algorithm.oid())
  if (oid === OIDS.ed25519) return new DerReader(key).read(TAGS.octets)?.length === ED25519_BYTES ? { kind: 'ed25519' } : undefined
  return undefined
}

/** Keys on a curve tell their point, unless whoever made them left it out. */
function sec1(der: Uint8Array, given: string | undefined): PublicKey | undefined {
  const parts = new DerReader(der).sequence()
  if (parts?.integer()?.toHex() !== '01' || parts.read(TAGS.octets) === undefined) return undefined
  const named = parts.optional(CONSTRUCTED)
  const curve = given ?? (named === undefined || named === 'malformed' ? undefined : new DerReader(named).oid())
  if (curve === undefined || !CURVES.has(curve)) return undefined
  const point = parts.optional(CONSTRUCTED + 1)
  const value = point === undefined || point === 'malformed' ? undefined : new DerReader(point).bits()?.toHex()
  return { kind: 'ecdsa', curve, ...(value === undefined ? {} : { value }) }
}
