import { hash } from 'node:crypto'
import { UserError } from '#base'
import type { UserInfo } from '../../contract.ts'
import { authenticated } from '../users.ts'
import type { TokenAuthenticator } from './bearer.ts'

/**
 * Tokens known beforehand. They are kept and compared as digests: how long a comparison takes says nothing of the token.
 */
export function staticTokenAuthenticator(name: string, tokens: Iterable<readonly [token: string, user: UserInfo]>): TokenAuthenticator {
  const users = new Map<string, UserInfo>()
  const lengths = new Set<number>()
  for (const [token, user] of tokens) {
    users.set(digest(token), authenticated(user))
    lengths.add(token.length)
  }
  return {
    name,
    authenticateToken: (_scope, token) => {
      // Long tokens of other kinds come here too: they are not worth a digest.
      const user = lengths.has(token.length) ? users.get(digest(token)) : undefined
      return user === undefined ? undefined : { user }
    },
  }
}

const digest = (token: string): string => hash('sha256', token, 'base64url')

/**
 * Reads kube-apiserver's token file: a line of CSV each with token, user name, uid and optionally groups ("a,b"). `source` names
 * the file in the error.
 */
export function parseTokenFile(text: string, source: string): readonly (readonly [string, UserInfo])[] {
  const tokens: (readonly [string, UserInfo])[] = []
  const seen = new Set<string>()
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return
    const refuse = (why: string): UserError => new UserError(`${source}:${index + 1}: ${why}`, 'a line is: token,user,uid,"group1,group2"')
    const fields = parseCsvLine(line)
    if (fields === undefined) throw refuse('the quotes do not match')
    const [token = '', name = '', uid = '', groups = ''] = fields
    if (fields.length < 3) throw refuse('token, user name and user uid are needed')
    if (token === '') throw refuse('the token is empty')
    if (seen.has(token)) throw refuse('this token stands in an earlier line too')
    seen.add(token)
    const listed = groups.split(',').map((group) => group.trim())
    tokens.push([token, { name, uid, groups: listed.filter((group) => group !== ''), extra: {} }])
  })
  return tokens
}

/** Undefined when quotes do not match. */
function parseCsvLine(line: string): readonly string[] | undefined {
  const fields: string[] = []
  const field = /\s*(?:"((?:[^"]|"")*)"\s*|([^",]*))(,|$)/y
  for (;;) {
    const match = field.exec(line)
    if (match === null) return undefined
    fields.push(match[1]?.replaceAll('""', '"') ?? (match[2] ?? '').trim())
    if (match[3] === '') return fields
  }
}
