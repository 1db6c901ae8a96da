/** A PEM text in the base64 of the wire. What it holds is looked at by who signs. */
interface PemBlock {
  readonly type: string
  readonly hasHeaders: boolean
}

const BLOCK = /-----BEGIN ([^\n-]*(?:-[^\n-]+)*)-----[ \t\r]*\n((?:[^\n:]+:[^\n]*\n)*)([A-Za-z0-9+/=\s]*)-----END \1-----/g

export function pemBlocks(base64: string): readonly PemBlock[] {
  const blocks: PemBlock[] = []
  for (const [, type = '', headers = '', body = ''] of textOf(base64).matchAll(BLOCK))
    if (isBase64(body)) blocks.push({ type, hasHeaders: headers !== '' })
  return blocks
}

function textOf(base64: string): string {
  try {
    return atob(base64)
  } catch {
    return ''
  }
}

function isBase64(text: string): boolean {
  try {
    return atob(text.replaceAll(/\s/g, '')).length > 0
  } catch {
    return false
  }
}
