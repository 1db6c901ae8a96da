import { rmSync } from 'node:fs'
import {
  type KeyPair,
  type ReplaceableIdentity,
  type Scope,
  createPrivateKeyPem,
  isCancelled,
  messageOf,
  pairFileText,
  parsePairFile,
  readFileIfThere,
  validityOf,
  writePrivateFile,
} from '#base'
import type { Client } from '#client'
import { renewAtMs, retryAfterMs } from './renewal.ts'
import { type CertificateOrder, CertificateRefused, requestCertificate } from './request-certificate.ts'

/** A certificate in a file, ordered of the cluster. One process at a time has it. */
export interface KeptCertificate {
  readonly file: string
  readonly order: CertificateOrder
}

/** What the file holds, if it is a pair that is good at `nowMs`. */
export function storedPair(file: string, nowMs: number): KeyPair | undefined {
  const text = readFileIfThere(file)
  const pair = text === undefined ? undefined : parsePairFile(text)
  return pair !== undefined && nowMs < validityOf(pair.certificate).endMs ? pair : undefined
}

/**
 * Orders a new certificate and writes it down. The new key is on disk before it is asked for, so that an order that was cut short is
 * taken up again; it goes with an order that was refused.
 */
export async function orderCertificate(
  scope: Scope,
  client: Client,
  { file, order }: KeptCertificate,
  onWait?: (name: string) => void,
): Promise<KeyPair> {
  const keyFile = `${file}.key-asked-for`
  const key = readFileIfThere(keyFile) ?? (await createPrivateKeyPem())
  writePrivateFile(scope.random, keyFile, key)
  try {
    const pair = await requestCertificate(scope, client, key, order, onWait)
    writePrivateFile(scope.random, file, pairFileText(pair))
    rmSync(keyFile, { force: true })
    return pair
  } catch (error) {
    if (error instanceof CertificateRefused) rmSync(keyFile, { force: true })
    throw error
  }
}

/** Clocks are put forward, and machines sleep: nobody trusts a timer of months. */
const LOOK_AGAIN_MS = 60_000

/**
 * Renews a certificate for as long as the scope lives, well before it ends. `order` says what is to be asked for at that time. Whoever uses
 * the identity has the newer one for the next connection; connections that are there go on.
 */
export async function keepRenewed(
  scope: Scope,
  client: Client,
  { file, order }: { readonly file: string; readonly order: () => CertificateOrder },
  identity: ReplaceableIdentity,
): Promise<void> {
  const part = scope.random.float()
  const dueAtMs = (gotMs: number): number => renewAtMs(validityOf(identity.current.certificate), gotMs, part)
  let dueMs = dueAtMs(scope.clock.now())
  let failures = 0
  try {
    for (;;) {
      for (let leftMs = dueMs - scope.clock.now(); leftMs > 0; leftMs = dueMs - scope.clock.now())
        await scope.sleep(Math.min(leftMs, LOOK_AGAIN_MS))
      scope.check()
      try {
        identity.replace(await orderCertificate(scope, client, { file, order: order() }))
        failures = 0
        dueMs = dueAtMs(scope.clock.now())
        const { endMs } = validityOf(identity.current.certificate)
        scope.log.info('a certificate was renewed', { file, until: new Date(endMs).toISOString() })
      } catch (error) {
        scope.check()
        failures++
        dueMs = scope.clock.now() + retryAfterMs(failures)
        scope.log.warn('a certificate could not be renewed', { file, error: messageOf(error) })
      }
    }
  } catch (error) {
    if (!isCancelled(error)) throw error
  }
}
