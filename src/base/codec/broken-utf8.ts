import { isUtf8 } from 'node:buffer'

/** Where bytes stop being UTF-8, and why, in the words of YAML's readers; undefined when all are. */
export function brokenUtf8(bytes: Uint8Array): { readonly at: number; readonly why: string } | undefined {
  if (isUtf8(bytes)) return undefined
  for (let at = 0; at < bytes.length; ) {
    const width = widthOf(bytes[at] ?? 0)
    if (width === 0) return { at, why: 'invalid leading UTF-8 octet' }
    if (at + width > bytes.length) return { at, why: 'incomplete UTF-8 octet sequence' }
    for (let i = at + 1; i < at + width; i++) if (((bytes[i] ?? 0) & 0xc0) !== 0x80) return { at, why: 'invalid trailing UTF-8 octet' }
    if (!isUtf8(bytes.subarray(at, at + width)))
      return {
        at,
        why: isOverlong(bytes[at] ?? 0, bytes[at + 1] ?? 0) ? 'invalid length of a UTF-8 sequence' : 'invalid Unicode character',
      }
    at += width
  }
  return undefined
}

function widthOf(octet: number): number {
  if (octet < 0x80) return 1
  if ((octet & 0xe0) === 0xc0) return 2
  if ((octet & 0xf0) === 0xe0) return 3
  return (octet & 0xf8) === 0xf0 ? 4 : 0
}

/** More octets than the character needs. */
const isOverlong = (first: number, second: number): boolean =>
  first === 0xc0 || first === 0xc1 || (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90)
