/**
 * Deals a hand of queues from the hash of a flow: flows that share one queue rarely share another, so that a flow that floods its queues
 * leaves others at least one that is short. The same hash always gives the same hand.
 */
export function dealHand(hash: bigint, queues: number, handSize: number): number[] {
  const hand: number[] = []
  let rest = hash
  for (let dealt = 0; dealt < handSize; dealt++) {
    const left = BigInt(queues - dealt)
    let card = Number(rest % left)
    rest /= left
    // The cards that are dealt are no longer there: the place is counted among the others.
    for (const taken of [...hand].sort((a, b) => a - b)) if (card >= taken) card++
    hand.push(card)
  }
  return hand
}

/** 60 bits of FNV-1a, of which `dealHand` uses as many as validation allows hands to need. */
export function flowHash(schema: string, distinguisher: string): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of Buffer.from(`${schema}\u0000${distinguisher}`)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash & 0xfffffffffffffffn
}
