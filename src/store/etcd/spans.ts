const FIRST_KEY = Buffer.from([0])

/** The keys with a prefix, as etcd has it: from a key to before another one. The end of everything is written as NUL. */
export function rangeOf(prefix: string, after?: string): { readonly key: Uint8Array; readonly end: Uint8Array } {
  const start = Buffer.from(prefix, 'utf8')
  const key = after === undefined || after === '' ? (start.length === 0 ? FIRST_KEY : start) : Buffer.from(`${after}\0`, 'utf8')
  // UTF-8 has no byte 0xff, so that the last byte can always be raised.
  const end = start.length === 0 ? FIRST_KEY : Buffer.from(start)
  if (start.length > 0) end[end.length - 1] = (end.at(-1) ?? 0) + 1
  return { key, end }
}
