interface PemBlock {
  readonly type: string
  readonly hasHeaders: boolean
  readonly bytes: Uint8Array
}

const BLOCK =
  /(?:^|\n)-----BEGIN ([^\n]*?)-----[ \t\r]*\n((?:[^\n:]*:[^\n]*\n)*)((?:(?!-----BEGIN )[^])*?)-----END \1-----[ \t\r]*(?=\n|$)/g

/** The blocks of a text in PEM, in order; what is no whole block is passed over. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = []
  for (const [, type = '', headers = '', body = ''] of text.matchAll(BLOCK)) {
    try {
      blocks.push({
        type,
        hasHeaders: headers !== '',
        bytes: Uint8Array.fromBase64(body.replace(/\s/g, ''), { lastChunkHandling: 'strict' }),
      })
    } catch {
      // Not base64: no block.
    }
  }
  return blocks
}
