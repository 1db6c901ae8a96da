import { MATCHES_ALL } from './regex.ts'
import type { BasicAuth, Condition, Cors, Edit, Redirect, Rule, Stick, TextMatch } from './rule.ts'
import { shareId } from './spread.ts'

/** A list of rules goes to the data plane as one word, which has to fit into one of its messages. */
const LONGEST_PROGRAM = 12_000
/** Shares of mirrors are in so many parts of a whole. */
const WHOLE = 1_000_000
const LONGEST_NAME = 'b0000000'
const LOGIN_WORDS = { page: 'p', return: 'r', logout: 'l' } as const

/** Whether these rules are short enough to be told to a data plane; whoever makes rules of what users write asks. */
export const fitsProgram = (rules: readonly Rule[]): boolean => encodeProgram(rules, () => LONGEST_NAME).length <= LONGEST_PROGRAM

/**
 * Rules as one word of digits, letters, commas and `-`: text of users is in it as hexadecimal digits alone. `nameOf` gives what the data plane calls a
 * backend. Conditions come before what they are made of, and what is repeated after its count. `src/gateway/haproxy/script/program.lua` reads it.
 */
export function encodeProgram(rules: readonly Rule[], nameOf: (backend: string) => string): string {
  const words: (string | number)[] = []
  for (const { when, action, observe } of rules) {
    words.push('R')
    condition(words, when)
    words.push(observe === undefined ? '-' : `${observe.route}${observe.isLogged ? 'l' : ''}`)
    if (action.kind === 'redirect') redirect(words, action)
    else {
      words.push('F')
      stick(words, action.stick)
      const to = action.to.filter(({ weight }) => weight > 0)
      words.push(to.length)
      for (const share of to) {
        words.push(shareId(share.backend), nameOf(share.backend), share.weight)
        edits(words, share.edits ?? [])
      }
      edits(words, action.edits ?? [])
      words.push(action.timeoutMs ?? '-')
      cors(words, action.cors)
      const mirrors = action.mirrors ?? []
      words.push(mirrors.length)
      for (const { backend, share, hasBody } of mirrors) words.push(nameOf(backend), Math.round(share * WHOLE), hasBody ? 'b' : '-')
      auth(words, action.auth)
      if (action.gate === undefined) words.push('-')
      else {
        const { backend, host, path: at, signIn, pass } = action.gate
        words.push(nameOf(backend), hex(host), hex(at), signIn === undefined ? '-' : hex(signIn), pass.length, ...pass.map(hex))
      }
      words.push(...(action.token === undefined ? ['-'] : [action.token.id, hex(action.token.realm)]))
      words.push(...(action.login === undefined ? ['-'] : [action.login.id, action.login.door, LOGIN_WORDS[action.login.at]]))
    }
  }
  return words.join(',')
}

function condition(words: (string | number)[], when: Condition | undefined): void {
  if (when === undefined) return void words.push('T')
  switch (when.kind) {
    case 'all':
    case 'any':
      words.push(when.kind === 'all' ? 'A' : 'O', when.of.length)
      for (const one of when.of) condition(words, one)
      return
    case 'not':
      words.push('N')
      return condition(words, when.of)
    case 'method':
      return void words.push('M', hex(when.is))
    case 'scheme':
      return void words.push('X', when.is)
    case 'source':
      return void words.push('S', numberOf(when.address), when.bits)
    case 'host':
    case 'path':
      words.push(when.kind === 'host' ? 'V' : 'P')
      return text(words, when.value)
    case 'header':
    case 'cookie':
    case 'query':
      words.push(when.kind === 'header' ? 'H' : when.kind === 'cookie' ? 'C' : 'Q', hex(when.name))
      return text(words, when.value)
  }
}

function text(words: (string | number)[], match: TextMatch): void {
  switch (match.how) {
    case 'present':
      return void words.push('a')
    case 'exact':
      return void words.push('e', hex(match.text))
    case 'prefix':
      return void words.push('p', hex(match.text))
    case 'regex': {
      const { classes, classCount, next, ends } = match.automaton
      const two = (value: number): string => (value === MATCHES_ALL ? 'ff' : value.toString(16).padStart(2, '0'))
      words.push('x', classCount, classes.map(two).join(''), next.map(two).join(''), ends.map((one) => (one ? '1' : '0')).join(''))
    }
  }
}

function stick(words: (string | number)[], how: Stick | undefined): void {
  if (how === undefined) words.push('-')
  else if (how.by.kind === 'header') words.push('h', hex(how.by.name), hex(how.salt))
  else words.push(how.by.kind === 'cookie' ? 'c' : 's', hex(how.salt))
}

function edits(words: (string | number)[], all: readonly Edit[]): void {
  words.push(all.length)
  for (const edit of all)
    switch (edit.kind) {
      case 'request-header':
      case 'response-header':
        words.push(edit.kind === 'request-header' ? 'q' : 'a', edit.how, hex(edit.name), hex(edit.value))
        break
      case 'rewrite-host':
        words.push('o', hex(edit.host))
        break
      case 'rewrite-path':
        words.push('w', path(edit.prefix), hex(edit.to))
    }
}

function auth(words: (string | number)[], of: BasicAuth | undefined): void {
  if (of === undefined) return void words.push('-')
  words.push(hex(of.realm), of.users.length)
  for (const { name, hash } of of.users) words.push(hex(name), hex(hash))
}

function cors(words: (string | number)[], of: Cors | undefined): void {
  if (of === undefined) return void words.push('-')
  words.push(of.credentials ? 1 : 0, of.maxAgeSeconds)
  for (const list of [of.methods, of.headers, of.expose]) words.push(list.length, ...list.map(hex))
  words.push(of.origins.length)
  for (const origin of of.origins)
    if (origin.how === 'any') words.push('a')
    else if (origin.how === 'exact') words.push('e', hex(origin.text))
    else words.push('w', hex(origin.start), hex(origin.end))
}

function redirect(words: (string | number)[], { status, scheme, host, port, path: to, edits: more = [] }: Redirect): void {
  words.push('D', status, scheme ?? '-', host === undefined ? '-' : hex(host), port ?? '-')
  if (to === undefined) words.push('-', '-')
  else words.push(path(to.prefix), hex(to.to))
  edits(words, more)
}

/** `*`: all of the path. */
const path = (prefix: string | undefined): string => (prefix === undefined ? 'all' : hex(prefix))

/** The empty text is a word too. */
const hex = (value: string): string =>
  value === '' ? '0' : Array.from(new TextEncoder().encode(value), (byte) => byte.toString(16).padStart(2, '0')).join('')

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
