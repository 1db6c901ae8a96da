import { posix } from 'node:path'
import { Transform } from 'node:stream'

/** Where a page really is, and where its reader believes it to be. */
export interface Move {
  /** Of the backend, `IP:PORT` as it was dialled. */
  readonly backendHost: string
  /** As the reader asked for it. */
  readonly requestHost: string
  /** What stands before the backend's paths, without a slash at its end. */
  readonly prefix: string
}

/** A place on the backend, as the client reaches it. Places elsewhere and relative ones stay what they are. */
export function moveUrl(text: string, { backendHost, requestHost, prefix }: Move): string {
  const [, scheme = '', authority, path = '', rest = ''] = /^([a-z][a-z0-9+.-]*:)?(?:\/\/([^/?#]*))?([^?#]*)([^]*)$/i.exec(text) ?? []
  const host = authority ?? ''
  if (host !== '' && host !== backendHost && host !== requestHost) return text
  if (!path.startsWith('/')) return text
  const where = host !== '' && host === requestHost ? `${scheme}//${host}` : ''
  if (path.startsWith(prefix)) return `${where}${path}${rest}`
  const joined = posix.join(prefix, path)
  return `${where}${path.endsWith('/') && !joined.endsWith('/') ? `${joined}/` : joined}${rest}`
}

/** Attributes that hold places, by their element: those of HTML 4 and 5. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
}
/** Their content is no markup. */
const RAW = new Set(['script', 'style', 'textarea', 'title'])
const LONGEST_TAG = 64 * 1024

/** A page's links lead through the proxy. Byte by byte what it was otherwise; a tag that is too long passes as it is. */
export function movedLinks(move: Move): Transform {
  const rewriter = new LinkRewriter(move)
  return new Transform({
    transform(chunk: Buffer, _, done) {
      done(null, Buffer.from(rewriter.push(chunk.toString('latin1')), 'latin1'))
    },
    flush(done) {
      done(null, Buffer.from(rewriter.end(), 'latin1'))
    },
  })
}

class LinkRewriter {
  readonly #move: Move
  #held = ''
  /** The end tag that is waited for. */
  #raw: string | undefined

  constructor(move: Move) {
    this.#move = move
  }

  /** Text is taken byte for byte: no character of markup is part of a longer one in the encodings of the web. */
  push(text: string): string {
    let rest = this.#held + text
    let out = ''
    this.#held = ''
    for (;;) {
      const start = this.#raw === undefined ? rest.indexOf('<') : rest.toLowerCase().indexOf(`</${this.#raw}`)
      if (start < 0) {
        // The beginning of an end tag may be the end of this piece.
        const keep = this.#raw === undefined ? 0 : Math.min(rest.length, this.#raw.length + 2)
        this.#held = rest.slice(rest.length - keep)
        return out + rest.slice(0, rest.length - keep)
      }
      out += rest.slice(0, start)
      rest = rest.slice(start)
      this.#raw = undefined
      const end = endOfTag(rest)
      if (end === undefined) {
        if (rest.length > LONGEST_TAG) {
          out += rest
          return out
        }
        this.#held = rest
        return out
      }
      out += this.#tag(rest.slice(0, end))
      rest = rest.slice(end)
    }
  }

  end(): string {
    return this.#held
  }

  #tag(tag: string): string {
    const name = /^<([a-z][a-z0-9]*)/i.exec(tag)?.[1]?.toLowerCase()
    if (name === undefined) return tag
    if (RAW.has(name) && !tag.endsWith('/>')) this.#raw = name
    const places = PLACES[name]
    if (places === undefined) return tag
    return tag.replace(
      /(\s)([a-z]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/gi,
      (whole, space: string, key: string, equals: string, quoted: string) => {
        if (!places.includes(key.toLowerCase())) return whole
        const quote = quoted.startsWith('"') || quoted.startsWith("'") ? quoted.slice(0, 1) : ''
        const value = quote === '' ? quoted : quoted.slice(1, -1)
        const plain = value.replaceAll('&amp;', '&')
        const moved = moveUrl(plain, this.#move)
        return moved === plain ? whole : `${space}${key}${equals}${quote}${moved.replaceAll('&', '&amp;')}${quote}`
      },
    )
  }
}

/** One past the end of the tag, comment or declaration that the text begins with; undefined when it is not all there. */
function endOfTag(text: string): number | undefined {
  if (text.startsWith('<!--')) {
    const end = text.indexOf('-->', 4)
    return end < 0 ? undefined : end + 3
  }
  // `<!-` and `<` alone may become either.
  if (text.length < 4 && '<!--'.startsWith(text)) return undefined
  let quote = ''
  for (let i = 1; i < text.length; i++) {
    const c = text[i] ?? ''
    if (quote !== '') {
      if (c === quote) quote = ''
    } else if ((c === '"' || c === "'") && /=\s*$/.test(text.slice(Math.max(0, i - 8), i))) quote = c
    else if (c === '>') return i + 1
  }
  return undefined
}
