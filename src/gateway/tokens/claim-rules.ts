import { shown } from '../model/grammar.ts'
import { listed } from '../model/annotations/words.ts'

/** What has to be said of somebody, and what pods are told of it. */
export interface ClaimRules {
  /** All of these have to be said; without values anything. */
  readonly require: readonly { readonly claim: string; readonly values: readonly string[] }[]
  /** In lower case. Clients do not say these themselves. */
  readonly headers: readonly { readonly header: string; readonly claim: string }[]
}

const MOST_LISTED = 16
const NAME = /^[\x21\x23-\x2b\x2d-\x3c\x3e-\x5b\x5d-\x7b\x7d\x7e]{1,128}$/
const HEADER = /^[a-z0-9-]{1,64}$/
/** Of the connection, what says who sends something, and what the gateway says itself. */
const NO_HEADERS =
  /^(?:host|authorization|connection|content-length|cookie|expect|forwarded|keep-alive|proxy.*|te|trailer|transfer-encoding|upgrade|x-forwarded-.*|x-real-ip|x-sampan-.*)$/

/** `CLAIM=VALUE|VALUE` and `HEADER=CLAIM`, each separated by commas. `kind` is how the annotations begin. */
export function readClaimRules(kind: string, required = '', told = ''): ClaimRules | { readonly problem: string } {
  const require = listed(required).map((text) => {
    const [claim = '', ...rest] = text.split('=')
    return { claim: claim.trim(), values: rest.length === 0 ? [] : rest.join('=').split('|') }
  })
  const unclear = require.find(({ claim, values }) => !NAME.test(claim) || values.some((value) => value === ''))
  if (unclear !== undefined || require.length > MOST_LISTED)
    return { problem: `${kind}-require ${shown(unclear?.claim ?? 'so many')} is not taken: it is CLAIM, or CLAIM=VALUE|VALUE` }
  const headers = listed(told).map((text) => {
    const [header = '', claim = '', ...rest] = text.split('=')
    return { header: header.trim().toLowerCase(), claim: rest.length === 0 ? claim.trim() : '' }
  })
  const bad = headers.find(
    ({ header, claim }, at) =>
      !HEADER.test(header) || NO_HEADERS.test(header) || !NAME.test(claim) || headers.findIndex((one) => one.header === header) !== at,
  )
  return bad !== undefined || headers.length > MOST_LISTED
    ? { problem: `${kind}-headers ${shown(bad?.header ?? 'so many')} is not taken: it is HEADER=CLAIM, each header once` }
    : { require, headers }
}
