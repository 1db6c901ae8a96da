import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { Secret } from '../../types/core-v1.gen.ts'
import { validateImmutable } from '../../validation/values.ts'
import { tlsPairProblem } from './tls-pair.ts'
import { base64Bytes, validateDataKeys, validateDataSize, validateImmutableData } from './data-keys.ts'

const DATA = Path.of('data')
const TYPE = Path.of('type')
const IMMUTABLE = Path.of('immutable')
const SERVICE_ACCOUNT = 'kubernetes.io/service-account.name'
const REDACTED = '<secret contents redacted>'

/** The keys that a type of Secret must have. */
const REQUIRED_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
}

export const secrets = defineResource(refs.secrets, {
  strategy: {
    countsEmpty: true,
    defaults: (secret) => {
      if (secret.type === undefined || secret.type === '') secret.type = 'Opaque'
      takeStringData(secret)
    },
    validate,
    validateUpdate: (secret, old, errors) => {
      validateImmutable(secret.type, old.type, TYPE, errors)
      validateImmutableData(secret, old, [[DATA, secret.data, old.data, 'bytes']], IMMUTABLE, errors)
      validate(secret, errors)
    },
    warnings: tlsWarnings,
  },
  columns: { Type: (secret) => secret.type ?? '', Data: (secret) => Object.keys(secret.data ?? {}).length },
  selectable: { type: (secret) => secret.type ?? '' },
})

/** `stringData` is only for writing: it goes into `data`, over what is there. */
function takeStringData(secret: Secret): void {
  if (secret.stringData === undefined) return
  const texts = Object.entries(secret.stringData)
  delete secret.stringData
  if (texts.length === 0) return
  const data: Record<string, string> = { ...secret.data }
  for (const [key, text] of texts) data[key] = encodeBase64(text)
  secret.data = data
}

function encodeBase64(text: string): string {
  return new TextEncoder().encode(text).toBase64()
}

function decodeBase64(text: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(text))
}

function validate(secret: Secret, errors: FieldErrors): void {
  const { data, type } = secret
  validateDataKeys(data, DATA, errors)
  let bytes = 0
  for (const key in data) bytes += base64Bytes(data[key] ?? '')
  validateDataSize(bytes, DATA, errors)
  if (type === 'kubernetes.io/service-account-token' && (secret.metadata?.annotations?.[SERVICE_ACCOUNT] ?? '') === '')
    errors.push(fieldError.required(Path.of('metadata', 'annotations').key(SERVICE_ACCOUNT)))
  for (const key of REQUIRED_KEYS[type ?? ''] ?? []) {
    if (data === undefined || !Object.hasOwn(data, key)) errors.push(fieldError.required(DATA.key(key)))
    else if (key.startsWith('.docker')) validateJson(data[key] ?? '', DATA.key(key), errors)
  }
  if (type === 'kubernetes.io/ssh-auth' && (data?.['ssh-privatekey'] ?? '') === '')
    errors.push(fieldError.required(DATA.key('ssh-privatekey')))
  if (type === 'kubernetes.io/basic-auth' && data?.['username'] === undefined && data?.['password'] === undefined)
    for (const key of ['username', 'password']) errors.push(fieldError.required(DATA.key(key)))
}

function validateJson(encoded: string, path: Path, errors: FieldErrors): void {
  const text = decodeBase64(encoded)
  try {
    JSON.parse(text)
  } catch {
    const first = text.trimStart()[0]
    errors.push(
      fieldError.invalid(
        path,
        REDACTED,
        first === undefined ? 'unexpected end of JSON input' : `invalid character '${first}' looking for beginning of value`,
      ),
    )
  }
}

function tlsWarnings(secret: Secret): readonly string[] {
  const [certificate, key] = [secret.data?.['tls.crt'], secret.data?.['tls.key']]
  if (secret.type !== 'kubernetes.io/tls' || certificate === undefined || key === undefined) return []
  const problem = tlsPairProblem(decodeBase64(certificate), decodeBase64(key))
  return problem === undefined ? [] : [problem]
}
