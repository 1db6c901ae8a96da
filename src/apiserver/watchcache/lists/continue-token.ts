import { statusError } from '#api'

/** Where a paged list goes on, and at which revision. -1: in the present. */
export interface ContinueToken {
  readonly revision: number
  readonly start: string
}

const VERSION = 'meta.k8s.io/v1'

export function encodeContinue(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: VERSION, rv: token.revision, start: token.start })).toString('base64url')
}

export function decodeContinue(text: string): ContinueToken {
  const bad = /[^A-Za-z0-9_-]/.exec(text)
  // One character alone makes no byte.
  const alone = text.length % 4 === 1 ? text.length - 1 : undefined
  if (bad !== null || alone !== undefined) throw refusal(`illegal base64 data at input byte ${bad?.index ?? alone}`)
  const json = Buffer.from(text, 'base64url').toString('latin1')
  let token: unknown
  try {
    token = JSON.parse(json)
  } catch {
    const at = /[^\s]/.exec(json)
    throw refusal(at === null ? 'unexpected end of JSON input' : `invalid character '${at[0]}' looking for beginning of value`)
  }
  const { v, rv, start } = (typeof token === 'object' && token !== null ? token : {}) as { v?: unknown; rv?: unknown; start?: unknown }
  if (v !== VERSION) throw refusal(`server does not recognize this encoded version ${typeof v === 'string' ? v : ''}`)
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0)
    throw refusal('incorrect encoded start resourceVersion (version meta.k8s.io/v1)')
  if (typeof start !== 'string' || start === '') throw refusal('encoded start key empty (version meta.k8s.io/v1)')
  if (!isClean(start)) throw refusal(start)
  return { revision: rv, start }
}

/** Whether a key stays where it is when it is read as a path: none may lead out of the collection. */
function isClean(key: string): boolean {
  const path = key.startsWith('/') ? key.slice(1) : key
  return path === '' || path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

const refusal = (why: string): Error => statusError.badRequest(`invalid continue token: continue key is not valid: ${why}`)
