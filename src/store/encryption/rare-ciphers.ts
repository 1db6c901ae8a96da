import type { Scope } from '#base'
import type { Cipher, CipherKey } from './ciphers.ts'
import type { KmsCipher, KmsProvider } from './kms/kms-cipher.ts'

/** Ciphers that few configurations name: loaded when one does. */

export async function openSecretBox(key: CipherKey, randomBytes: (count: number) => Uint8Array): Promise<Cipher> {
  const { secretBox } = await import('./secretbox.ts')
  return secretBox(key, randomBytes)
}

/** Resolves when the key service has answered. Lives as long as the scope. */
export async function openKmsCipher(scope: Scope, provider: KmsProvider): Promise<KmsCipher> {
  const { KmsCipher: Kms } = await import('./kms/kms-cipher.ts')
  return Kms.start(scope, provider)
}
