import { goQuote } from '../meta/go-format.ts'

/** The parts of a URL as Go's `net/url` takes it apart: a text without a scheme or a host is one too. */
export interface UrlParts {
  readonly scheme: string
  /** `user` or `user:password`; undefined when there is none. */
  readonly user: string | undefined
  /** With the port. */
  readonly host: string
  readonly path: string
  readonly query: string
  readonly fragment: string
}

/** Undefined parts of the regular expression are absent parts of the URL. */
const URL_FORM = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s

/** The message of the error, in Go's words, for what is no URL. */
export function parseGoUrl(text: string): UrlParts | string {
  const wrong = (why: string): string => `parse ${goQuote(text)}: ${why}`
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) return wrong('net/url: invalid control character in URL')
  if (text.startsWith(':')) return wrong('missing protocol scheme')
  const escape = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)?.[0]
  if (escape !== undefined) return wrong(`invalid URL escape ${goQuote(escape)}`)
  const [, scheme = '', authority = '', path = '', query = '', fragment = ''] = URL_FORM.exec(text) ?? []
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  const bad = /[\s"<>\\^`{|}]/.exec(host)?.[0]
  if (bad !== undefined) return wrong(`invalid character ${goQuote(bad)} in host name`)
  const port = /:([^\]]*)$/.exec(host)?.[1]
  if (port !== undefined && !/^\d*$/.test(port)) return wrong(`invalid port ${goQuote(`:${port}`)} after host`)
  if (scheme === '' && authority === '' && /^[^/]*:/.test(path)) return wrong('first path segment in URL cannot contain colon')
  return { scheme: scheme.toLowerCase(), user: at === -1 ? undefined : authority.slice(0, at), host, path, query, fragment }
}
