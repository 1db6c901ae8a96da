import type { Share } from './rule.ts'

/** FNV-1a over bytes, then mixed so that every bit of the result depends on all. The data plane has the same. */
function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return mix(hash)
}

/** Of the backend, not of its place among others: shares keep their clients whatever else comes and goes. */
export const shareId = (backend: string): number => hash32(backend)

export const clientHash = (salt: string, client: string): number => hash32(`${salt}/${client}`)

function mix(value: number): number {
  let hash = value >>> 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * The share of a client, by weighted rendezvous: each share draws a number from the client and itself, and the highest for its weight has it. A share that
 * grows takes clients from others, and no client goes between two shares that have not changed: nobody flips back while a canary grows.
 * Undefined when no share has a weight.
 */
export function spreadOf(shares: readonly Share[], client: number): Share | undefined {
  let best: Share | undefined
  let bestScore = 0
  for (const share of shares) {
    if (share.weight <= 0) continue
    const drawn = (mix(client ^ shareId(share.backend)) + 0.5) / 4294967296
    const score = share.weight / -Math.log(drawn)
    if (best === undefined || score > bestScore) [best, bestScore] = [share, score]
  }
  return best
}
