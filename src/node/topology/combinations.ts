/** Every choice of `size` of the items, each in the order of the items; those with the first items first. */
export function* combinations<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  if (size === 0) return yield []
  for (const [at, item] of items.entries())
    if (items.length - at >= size) for (const rest of combinations(items.slice(at + 1), size - 1)) yield [item, ...rest]
}
