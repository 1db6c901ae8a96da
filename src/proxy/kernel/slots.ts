import type { Target } from '../endpoints.ts'

const FEWEST_SLOTS = 64
/** With fewer, chance would leave some endpoints without a slot. */
const SLOTS_PER_TARGET = 16

/**
 * A client remembers a slot, not an endpoint: slots are given to endpoints by the highest hash, so that an endpoint that leaves
 * gives away only its own slots and one that comes takes only its share. The number of slots grows with the endpoints in powers of two; when it does,
 * clients are spread anew.
 */
export function spreadOverSlots(targets: readonly Target[]): readonly Target[] {
  let size = FEWEST_SLOTS
  while (size < targets.length * SLOTS_PER_TARGET) size *= 2
  const seeds = targets.map(({ address, port }) => seedOf(`${address}:${port}`))
  return Array.from({ length: size }, (_, slot) => {
    let best = 0
    let most = -1
    for (const [i, seed] of seeds.entries()) {
      const weight = mixed(seed, slot)
      if (weight > most) {
        most = weight
        best = i
      }
    }
    const target = targets[best]
    if (target === undefined) throw new RangeError('no targets')
    return target
  })
}

/** FNV-1a, 32 bits. */
function seedOf(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}

/** Murmur's final mix of both. */
function mixed(seed: number, slot: number): number {
  let value = seed ^ Math.imul(slot + 1, 0x9e3779b1)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
