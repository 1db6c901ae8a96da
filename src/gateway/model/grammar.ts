/**
 * What may become a key of a map, a name of a certificate or an address of a server. The data plane is told of these by lines and by words
 * with spaces between them: nothing that fits here can end a line, a word or a command. What does not fit is refused, never escaped.
 */

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const HOST = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*$`)
const LONGEST_HOST = 253
/** Neither `*`, `$`, brackets nor bars: such a path is a regular expression for somebody, and would be taken by the letter here. */
const PATH = /^\/[A-Za-z0-9\-._~%:@!&+,=/]*$/
const LONGEST_PATH = 1024

/** A host name in lower case, or `*.` and one. */
export const isHost = (text: string): boolean => text.length <= LONGEST_HOST && HOST.test(text)

export const isPath = (text: string): boolean => text.length <= LONGEST_PATH && PATH.test(text)

/** An address that a pod can have: not of this machine alone, of the link, of a group, or of nobody. */
export function isPodAddress(text: string): boolean {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return false
  const [first = 0, second = 0] = parts.map(Number)
  return first !== 0 && first !== 127 && first < 224 && !(first === 169 && second === 254)
}

export const isPort = (port: number | undefined): port is number =>
  port !== undefined && Number.isInteger(port) && port > 0 && port < 65_536

/** Text of somebody's in a message: short, and on one line. */
export const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
