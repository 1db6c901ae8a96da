import type { Automaton } from './regex.ts'

/**
 * The one language for where a request goes, whoever asks: the first rule whose condition holds takes it, and only then its weights decide. Values only: it
 * is made from Ingresses, HTTPRoutes and releases, decided by `decide`, and told to a data plane by `encodeProgram`, which all have to agree.
 */
export interface Rule {
  /** Absent: every request. */
  readonly when?: Condition | undefined
  readonly action: Forward | Redirect
  /** Absent: nothing is told of its requests but what is told of all. */
  readonly observe?: Observe | undefined
}

/** Requests that the rule takes are known by the number of a route. */
export interface Observe {
  readonly route: number
  /** What was asked is told too, and the request has an id. */
  readonly isLogged: boolean
}

export type Condition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'method'; readonly is: string }
  /** Names of headers are in lower case. Of a header that comes several times, the values joined by commas. */
  | { readonly kind: 'header' | 'cookie' | 'query'; readonly name: string; readonly value: TextMatch }
  | { readonly kind: 'host' | 'path'; readonly value: TextMatch }
  | { readonly kind: 'scheme'; readonly is: 'http' | 'https' }
  /** An IPv4 network. */
  | { readonly kind: 'source'; readonly address: string; readonly bits: number }

export type TextMatch =
  | { readonly how: 'exact' | 'prefix'; readonly text: string }
  /** Anywhere in the text, unless it is anchored. */
  | { readonly how: 'regex'; readonly automaton: Automaton }
  | { readonly how: 'present' }

export interface Forward {
  readonly kind: 'forward'
  /** Weights are relative; those of 0 get nothing. Nothing to share among: 503. */
  readonly to: readonly Share[]
  readonly stick?: Stick | undefined
  readonly edits?: readonly Edit[] | undefined
  /** How long a backend may keep silent; what takes longer is answered with 504. Absent: as the data plane has it. */
  readonly timeoutMs?: number | undefined
  readonly cors?: Cors | undefined
  /** Who gets a copy of requests besides; their answers are nobody's. */
  readonly mirrors?: readonly Mirror[] | undefined
  /** Absent: everybody may ask. */
  readonly auth?: BasicAuth | undefined
  readonly gate?: Gate | undefined
  /** Absent: nobody needs one. */
  readonly token?: Token | undefined
  /** Absent: nobody has to log in. */
  readonly login?: Login | undefined
}

/** People are known by what their browsers show, and sent to log in where they show nothing. */
export interface Login {
  /** By which whoever knows people knows what is wanted of them: hexadecimal digits. */
  readonly id: string
  /** Names what browsers show: hexadecimal digits. Who is known by it to one route is to all that have the same. */
  readonly door: string
  /** `return`, `logout`: the requests are a part of logging in or out, and reach no backend. */
  readonly at: 'page' | 'return' | 'logout'
}

/** A token that somebody else has signed. */
export interface Token {
  /** By which whoever judges tokens knows what is wanted of them: hexadecimal digits. */
  readonly id: string
  /** Printable ASCII without quotes and backslashes. */
  readonly realm: string
}

/** A backend that says of each request whether it may pass. */
export interface Gate {
  /** Key of a backend. */
  readonly backend: string
  readonly host: string
  readonly path: string
  /** Where people are sent whom it does not know, with `$scheme`, `$host`, `$request_uri` and `$escaped_request_uri` in it. */
  readonly signIn?: string | undefined
  /** Headers of its answer that requests go on with, in lower case. */
  readonly pass: readonly string[]
}

/** Who may ask, by name and password. */
export interface BasicAuth {
  /** Printable ASCII without quotes and backslashes. */
  readonly realm: string
  readonly users: readonly { readonly name: string; readonly hash: string }[]
}

/** Which pages of other origins may have the answers. What browsers ask before is answered in the place of a backend. */
export interface Cors {
  readonly origins: readonly Origin[]
  readonly credentials: boolean
  /** A lone `*`: all. */
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  readonly expose: readonly string[]
  readonly maxAgeSeconds: number
}

/** In lower case, without the port that its scheme has anyway; `between`: any name, or any part in front of one. */
export type Origin =
  | { readonly how: 'any' }
  | { readonly how: 'exact'; readonly text: string }
  | { readonly how: 'between'; readonly start: string; readonly end: string }

export interface Mirror {
  /** Key of a backend. */
  readonly backend: string
  /** Of the requests, 0 to 1. */
  readonly share: number
  readonly hasBody: boolean
}

export interface Share {
  /** Key of a backend, or what `answers` gives. */
  readonly backend: string
  readonly weight: number
  /** After those of the rule. */
  readonly edits?: readonly Edit[] | undefined
}

/** In the place of a backend: requests that would go there are answered so. No key of a backend begins like this. */
export const answers = (status: 403 | 404 | 500 | 503): string => `!${status}`
/** It leads nobody anywhere. */
export const isAnswer = ({ to }: Forward): boolean => to.length > 0 && to.every(({ backend }) => backend.startsWith('!'))

/**
 * Who asks again is led to where he was before, for as long as the weights stay; when one of them grows, clients go to that one only. `salt` is told apart
 * from other decisions over the same clients.
 */
export interface Stick {
  /** `cookie`: one that the gateway gives. */
  readonly by: { readonly kind: 'cookie' } | { readonly kind: 'source' } | { readonly kind: 'header'; readonly name: string }
  readonly salt: string
}

export interface HeaderEdit {
  readonly kind: 'request-header'
  readonly how: 'set' | 'add' | 'remove'
  readonly name: string
  /** Of `remove` empty. */
  readonly value: string
}

/** Of the answer that a backend gives. */
export interface AnswerEdit {
  readonly kind: 'response-header'
  readonly how: 'set' | 'add' | 'remove'
  readonly name: string
  readonly value: string
}

export type Edit =
  | HeaderEdit
  | AnswerEdit
  | { readonly kind: 'rewrite-host'; readonly host: string }
  /** `prefix`: what is taken off the front of the path; absent: all of it. */
  | { readonly kind: 'rewrite-path'; readonly prefix?: string | undefined; readonly to: string }

export interface Redirect {
  readonly kind: 'redirect'
  readonly status: 301 | 302 | 303 | 307 | 308
  /** What is absent stays as it was asked. */
  readonly scheme?: 'http' | 'https' | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly path?: { readonly prefix?: string | undefined; readonly to: string } | undefined
  /** Headers that the answer has besides. */
  readonly edits?: readonly AnswerEdit[] | undefined
}
