import { type X509Certificate, createPrivateKey, generateKeyPair } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { UserError } from '../errors.ts'
import type { Scope } from '../scope.ts'
import { readFileIfThere, writePrivateFile } from './files.ts'
import { type KeyPair, type LeafRequest, createAuthority, issueLeaf } from './issue.ts'
import { certificatesOf, subjectOf } from './verify.ts'

/** What is to lie in a folder: an authority (`NAME.crt`, `NAME.key`), leaves signed by it, plain keys for signatures (`NAME.key`). */
export interface CertificatePlan {
  readonly authority: { readonly file: string; readonly commonName: string; readonly lifetimeMs: number }
  readonly leaves: readonly PlannedLeaf[]
  readonly signingKeys: readonly string[]
}
export interface PlannedLeaf extends LeafRequest {
  readonly file: string
}

export interface Certificates {
  readonly authority: KeyPair
  /** By file name. */
  readonly leaves: ReadonlyMap<string, KeyPair>
  /** RSA private keys as PEM, by file name. */
  readonly signingKeys: ReadonlyMap<string, string>
  /** What was made or renewed in this call. */
  readonly written: readonly string[]
}

/** A leaf is renewed when less than this part of its life is left. */
const RENEW_AT = 0.2
const newKey = promisify(generateKeyPair)

/**
 * Brings a folder to the plan: makes what is missing; renews a leaf whose subject, names or usages changed, that another authority
 * signed, or that nears its end. What fits is only read: that costs a millisecond and does not load the certificate library.
 * An authority is never replaced by itself, since everything it signed would stop working: one that has ended is a `UserError`.
 */
export async function ensureCertificates(scope: Scope, directory: string, plan: CertificatePlan): Promise<Certificates> {
  const written: string[] = []
  const signingKeys = Promise.all(
    plan.signingKeys.map(async (file) => [file, await ensureSigningKey(scope, directory, file, written)] as const),
  )
  const authority = await ensureAuthority(scope, directory, plan.authority, written)
  const leaves = await Promise.all(
    plan.leaves.map(async (leaf) => [leaf.file, await ensureLeaf(scope, directory, authority, leaf, written)] as const),
  )
  return { authority, leaves: new Map(leaves), signingKeys: new Map(await signingKeys), written }
}

async function ensureAuthority(scope: Scope, directory: string, plan: CertificatePlan['authority'], written: string[]): Promise<KeyPair> {
  const there = readPair(directory, plan.file)
  if (there !== undefined) {
    const [certificate] = certificatesOf(there.certificate)
    if (certificate === undefined) throw new UserError(`${join(directory, plan.file)}.crt holds no certificate`)
    if (certificate.validToDate.getTime() < scope.clock.now()) {
      throw new UserError(
        `the certificate authority ${join(directory, plan.file)}.crt ended on ${certificate.validTo}`,
        'remove the folder to start with a new authority; everything it signed must be made again',
      )
    }
    return there
  }
  const made = await createAuthority(scope, plan.commonName, plan.lifetimeMs)
  writePair(scope, directory, plan.file, made)
  written.push(plan.file)
  return made
}

async function ensureLeaf(scope: Scope, directory: string, authority: KeyPair, leaf: PlannedLeaf, written: string[]): Promise<KeyPair> {
  const there = readPair(directory, leaf.file)
  if (there !== undefined && fits(there, authority, leaf, scope.clock.now())) return there
  const made = await issueLeaf(scope, authority, leaf)
  writePair(scope, directory, leaf.file, made)
  written.push(leaf.file)
  return made
}

async function ensureSigningKey(scope: Scope, directory: string, file: string, written: string[]): Promise<string> {
  const path = join(directory, `${file}.key`)
  const there = readFileIfThere(path)
  if (there !== undefined) return there
  const { privateKey } = await newKey('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  writePrivateFile(scope.random, path, pem)
  written.push(file)
  return pem
}

function fits(pair: KeyPair, authority: KeyPair, leaf: LeafRequest, nowMs: number): boolean {
  const [certificate] = certificatesOf(pair.certificate)
  const [signer] = certificatesOf(authority.certificate)
  if (certificate === undefined || signer === undefined) return false
  const startMs = certificate.validFromDate.getTime()
  const endMs = certificate.validToDate.getTime()
  if (nowMs < startMs || endMs - nowMs < (endMs - startMs) * RENEW_AT) return false
  if (!certificate.checkIssued(signer) || !certificate.verify(signer.publicKey)) return false
  if (!certificate.checkPrivateKey(createPrivateKey(pair.key))) return false
  const subject = subjectOf(certificate)
  if (subject.commonName !== leaf.subject.commonName) return false
  if (!sameSet(subject.organizations ?? [], leaf.subject.organizations ?? [])) return false
  return sameSet(namesOf(certificate).map(canonicalName), (leaf.names ?? []).map(canonicalName))
}

const sameSet = (one: readonly string[], other: readonly string[]): boolean => {
  const left = new Set(one)
  const right = new Set(other)
  return left.size === right.size && left.isSubsetOf(right)
}
/** Addresses are compared in one form: `::1` and `0:0:0:0:0:0:0:1` are the same. */
const canonicalName = (name: string): string => (isIPv6(name) ? new URL(`http://[${name}]`).host.slice(1, -1) : name.toLowerCase())
const namesOf = (certificate: X509Certificate): readonly string[] =>
  (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name !== '')
    .map((name) => name.replace(/^(DNS|IP Address):/, ''))

/** A pair is written key first: a certificate without its key is never there. */
function writePair(scope: Scope, directory: string, file: string, pair: KeyPair): void {
  writePrivateFile(scope.random, join(directory, `${file}.key`), pair.key)
  writePrivateFile(scope.random, join(directory, `${file}.crt`), pair.certificate)
}

function readPair(directory: string, file: string): KeyPair | undefined {
  const certificate = readFileIfThere(join(directory, `${file}.crt`))
  const key = readFileIfThere(join(directory, `${file}.key`))
  return certificate === undefined || key === undefined ? undefined : { certificate, key }
}
